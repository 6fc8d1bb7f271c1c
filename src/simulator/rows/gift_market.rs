//! The market that the tests of gifts, merchants and mandates play in, and where its money can be.

use crate::domain::{GiftReference, GiftState, Offer, WhenShort};
use crate::simulator::engaging::*;
use crate::simulator::messages::*;
use crate::simulator::stage::Stage;

/// What one gift of these tests costs, and one certificate of `tea`.
pub(super) const PRICE: u64 = 300;

/// What the donor has beside its purse, what the recipient has, what is earmarked there, what the payee has.
pub(super) type Places = (i64, i64, u64, i64);

/// Nothing is given, or everything is back.
pub(super) const HOME: Places = (0, 0, 0, 0);
/// One gift waits at the recipient.
pub(super) const EARMARKED: Places = (-(PRICE as i64), 0, PRICE, 0);
/// One gift has reached the payee.
pub(super) const PAID: Places = (-(PRICE as i64), 0, 0, PRICE as i64);

/// A market with `donor`, who is rich, `recipient`, who has nothing, and two merchants: the money of `shop` goes to
/// `till`, that of `rival shop` to `rival till`. Three certificates of `tea` stand there at the price of a gift.
pub(super) fn gift_market(stage: Stage) -> Stage {
    let tea = Offer { reservable_ms: Some(1_000), ..offer(PRICE, 3) };
    let mut stage = market_on(stage, tea, None);
    stage.send(&open("donor", PURSE)).unwrap();
    for account in ["recipient", "shop", "till", "rival shop", "rival till"] {
        stage.send(&open(account, 0)).unwrap();
    }
    stage.send(&register("shop", "till", WhenShort::Refuse)).unwrap();
    stage.send(&register("rival shop", "rival till", WhenShort::Refuse)).unwrap();
    stage
}

/// Names a gift of `donor` to `recipient`.
pub(super) fn of(id: &str) -> GiftReference {
    gift("recipient", "donor", id)
}

/// Gives goods of `shop`.
pub(super) fn given(stage: &mut Stage, id: &str) {
    stage.send(&give("donor", id, "recipient", "shop", (goods(), PRICE))).unwrap();
}

/// Gives goods of `shop`, and they are accepted.
pub(super) fn accepted(stage: &mut Stage, id: &str) {
    given(stage, id);
    accepted_again(stage, id);
}

/// The recipient accepts.
pub(super) fn accepted_again(stage: &mut Stage, id: &str) {
    stage.send(&accept("recipient", "donor", id)).unwrap();
}

/// Where the money is.
pub(super) fn places(stage: &Stage) -> Places {
    let earmarked = stage.account("recipient").earmarked().minor();
    (stage.posted("donor") - PURSE as i64, stage.posted("recipient"), earmarked, stage.posted("till"))
}

/// How far the donor's gift of that id has come.
pub(super) fn state(stage: &Stage, gift: &str) -> GiftState {
    let donor = stage.number("donor");
    let mut gifts = stage.account("recipient").gifts();
    let found = gifts.find(|(key, _)| key.caller == donor && key.id == id(gift));
    found.map(|(_, gift)| gift.state).expect("the gift has arrived")
}
