//! What a certificate comes to life with: D4, D17, D29, D37; and that certificates of an offering hold it in common.

use std::sync::Arc;

use crate::domain::{Code, CommissionTerms, Series};
use crate::simulator::engaging::top_up;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

fn series(stage: &Stage, serial: u32) -> &Arc<Series> {
    &stage.certificate("tea", serial).unwrap().birth().series
}

/// What each envelope was funded with; none where there is none.
fn funded(stage: &Stage, serial: u32) -> Option<u64> {
    series(stage, serial).envelope.as_ref().map(|envelope| envelope.funded().minor())
}

#[test]
fn certificates_come_to_life_with_what_their_offering_has_for_them_then() {
    // D4, D17, D29
    let limited = CommissionTerms { expires_at: Some(after_start(100)), ..terms(500, 100) };
    let mut stage = market(offer(700, 5), Some(&limited));
    stage.send(&top_up("payer", "tea", 3, 60)).unwrap();
    for serial in 1..=4 {
        chain(&mut stage, serial, &["u1"]);
    }
    stage.at(after_start(100));
    chain(&mut stage, 5, &["u1"]);
    let again = stage.restarted_at(stage.encoded().len());
    for stage in [&stage, &again] {
        let funded: Vec<_> = (1..=5).map(|serial| funded(stage, serial)).collect();
        assert_eq!(funded, [Some(500), Some(500), Some(560), Some(500), None]);
        assert!(Arc::ptr_eq(series(stage, 1), series(stage, 2)), "they hold it in common");
    }
}

#[test]
fn a_payment_that_failed_leaves_nothing_of_what_it_would_have_brought_to_life() {
    // D29, D37
    let mut stage = market(offer(700, 2), None);
    assert_eq!(refused(stage.send(&purchase("u1", "tea", 1))), Code::InsufficientFunds);
    stage.send(&attach("payer", "tea", &terms(500, 100))).unwrap();
    assert_eq!(chain(&mut stage, 1, &["u2"]), [40]);
    assert_eq!(funded(&stage, 1), Some(500));
}
