//! The sale that everybody makes: each certificate has two sharers, and a buyer of its own comes for any of its
//! offering's certificates. One purchase moves the price, two promises and what is left of the envelope.

pub const PRICE: u64 = 10_000;
/// The commission of one certificate.
pub const FUNDED: u64 = 1_000;
/// What each sharer is promised.
pub const PROMISE: u64 = 200;
/// What goes back to the commission's payer.
pub const REST: u64 = FUNDED - 2 * PROMISE;
/// How many accounts share.
pub const SHARERS: u32 = 2_048;
/// How many shops there are at most, each with a payer beside it.
const SHOPS: u32 = 32;

/// So many purchases, of offerings with so many certificates.
pub struct Sale {
    pub purchases: u32,
    pub offerings: u32,
    pub items: u32,
}

impl Sale {
    /// As many purchases at most, so that every offering is sold out.
    pub fn new(purchases: u32, items: u32) -> Sale {
        let offerings = (purchases / items).max(1);
        Sale { purchases: offerings * items, offerings, items }
    }

    /// Offering and serial of each certificate that is bought; offerings take turns.
    pub fn certificates(&self) -> impl Iterator<Item = (u32, u32)> {
        (0..self.purchases).map(|index| (index % self.offerings, index / self.offerings + 1))
    }

    /// How many shops there are.
    pub fn shops(&self) -> u32 {
        SHOPS.min(self.offerings)
    }

    /// What a payer needs for all envelopes of its offerings.
    pub fn funds(&self) -> u64 {
        FUNDED * u64::from(self.items) * u64::from(self.offerings.div_ceil(self.shops()))
    }

    /// What a shop's payer has once it has paid for all envelopes of its offerings.
    pub fn left_at_payer(&self, shop: u32) -> u64 {
        let offerings = (0..self.offerings).filter(|index| index % self.shops() == shop).count();
        self.funds() - FUNDED * u64::from(self.items) * offerings as u64
    }
}

pub fn offering(index: u32) -> String {
    format!("offering-{index:07}")
}

pub fn buyer(index: u32) -> String {
    format!("buyer-{index:010}")
}

/// The two sharers of a certificate; in the order of their names but for one pair, so that locks are taken in order.
pub fn sharers(offering: u32, serial: u32) -> [String; 2] {
    let first = 2 * (offering.wrapping_mul(31).wrapping_add(serial)) % SHARERS;
    [sharer(first), sharer(first + 1)]
}

pub fn sharer(index: u32) -> String {
    format!("sharer-{index:09}")
}

pub fn shop(index: u32) -> String {
    format!("shop-{index:011}")
}

pub fn payer(index: u32) -> String {
    format!("payer-{index:010}")
}

/// What everybody has together once everything is sold: shops, sharers, payers.
pub fn check(sale: &Sale, found: [u64; 3]) -> Result<(), String> {
    let sold = u64::from(sale.purchases);
    let left: u64 = (0..sale.shops()).map(|shop| sale.left_at_payer(shop)).sum();
    let wanted = [PRICE * sold, 2 * PROMISE * sold, left + REST * sold];
    if found == wanted {
        Ok(())
    } else {
        Err(format!("shops, sharers and payers have {found:?}, not {wanted:?}"))
    }
}
