//! The commission of a certificate: its terms, its five buckets, its withdrawal condition, its luck.
//!
//! Absent on purpose: who holds it. Certificates and offerings do, and move its money by messages.

mod buckets;
mod condition;
mod draw;
mod terms;

pub use buckets::Buckets;
pub use condition::{CheckPoint, Condition, FactorSet, Observed};
pub use draw::{Draw, Purpose};
pub use terms::{Acquiring, Cashing, CommissionTerms, Increase, IncreasePolicy, Take};
