//! Whether a test goes through everything, or through what it draws.

/// Set it, and what is drawn in a usual run is gone through one by one, which takes minutes.
const EVERY_VARIABLE: &str = "HONGBAO_EVERY";

/// Whether everything is to be gone through, and nothing drawn.
pub fn every_one() -> bool {
    std::env::var(EVERY_VARIABLE).is_ok()
}
