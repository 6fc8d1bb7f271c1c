//! What a certificate is born with.
//!
//! The certificates of an offering are born alike, so all of it but the serial stands in memory once for many of them. In a record and in
//! a snapshot each has the whole, so that it is understood alone.

use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::commission::CommissionTerms;
use crate::domain::money::{Currency, Money};
use crate::domain::name::RequestId;
use crate::domain::number::{ActorNumber, Serial};
use crate::domain::request::RefundTerms;
use crate::domain::time::Timestamp;

/// What an offering hands over when it brings a certificate to life, envelope included (D29).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Birth {
    /// The serial.
    pub serial: Serial,
    /// All the rest.
    pub series: Arc<Series>,
}

/// What certificates of an offering are born with alike. It begins a line of a cache, so that shards that read it do not wait for the one
/// that counts who has it.
#[repr(align(64))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// The offering.
    pub offering: ActorNumber,
    /// Their currency.
    pub currency: Currency,
    /// The price of each.
    pub price: Money,
    /// Who is paid.
    pub payee: ActorNumber,
    /// Who issued them; acquires nothing (D33).
    pub supplier: ActorNumber,
    /// Since when they are displayed (W4).
    pub published_at: Timestamp,
    /// The seed of every draw.
    pub seed: [u8; 32],
    /// How a purchase is refunded.
    pub refund: RefundTerms,
    /// The envelope of each: its payer, terms and limit; none where there is no commission any more.
    pub envelope: Option<Envelope>,
}

/// A certificate's funded commission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Who funded it and gets back what is returned (P5).
    pub payer: ActorNumber,
    /// The terms, which all certificates of the offering share.
    pub terms: Arc<CommissionTerms>,
    /// The first instant at which it is over: the earlier of the certificate's and the commission's (D17).
    pub deadline: Option<Timestamp>,
    /// What its payer has added before it came to life (D4).
    pub topped_up: Money,
    /// The payer's payment certificate that backs it; none: its money is here (K2, K3).
    pub backing: Option<RequestId>,
}

/// A birth as it is stored, whose envelope is borrowed or its own.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Birth")]
struct Stored<E> {
    offering: ActorNumber,
    serial: Serial,
    currency: Currency,
    price: Money,
    payee: ActorNumber,
    supplier: ActorNumber,
    published_at: Timestamp,
    #[serde(with = "crate::domain::wide")]
    seed: [u8; 32],
    refund: RefundTerms,
    envelope: E,
}

/// All but its serial is the series', and whoever has a birth asks for it there.
impl Deref for Birth {
    type Target = Series;

    fn deref(&self) -> &Series {
        &self.series
    }
}

impl Series {
    /// The money that travels with a birth: none where a payment certificate backs the commission.
    #[must_use]
    pub fn money(&self) -> Money {
        let paid = self.envelope.as_ref().filter(|envelope| envelope.backing.is_none());
        paid.map_or(Money::ZERO, Envelope::funded)
    }

    /// What the commission of each is funded with, as money or as a claim.
    #[must_use]
    pub fn funded(&self) -> Money {
        self.envelope.as_ref().map_or(Money::ZERO, Envelope::funded)
    }
}

impl Envelope {
    /// What it was funded with.
    #[must_use]
    pub fn funded(&self) -> Money {
        let sum = self.terms.funded.checked_add(self.topped_up);
        sum.unwrap_or_else(|| unreachable!("both came out of one currency's whole money"))
    }
}

impl Serialize for Birth {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Series { offering, currency, price, payee, supplier, published_at, seed, refund, envelope } =
            &*self.series;
        let stored = Stored {
            offering: *offering,
            serial: self.serial,
            currency: *currency,
            price: *price,
            payee: *payee,
            supplier: *supplier,
            published_at: *published_at,
            seed: *seed,
            refund: *refund,
            envelope,
        };
        stored.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Birth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Birth, D::Error> {
        let Stored {
            offering,
            serial,
            currency,
            price,
            payee,
            supplier,
            published_at,
            seed,
            refund,
            envelope,
        } = Stored::deserialize(deserializer)?;
        let series =
            Series { offering, currency, price, payee, supplier, published_at, seed, refund, envelope };
        Ok(Birth { serial, series: Arc::new(series) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;
    use crate::domain::{Clawback, WhenShort};

    /// Of bytes that are all different.
    const SEED: [u8; 32] = {
        let (mut seed, mut place) = ([0; 32], 0);
        while place < 32 {
            seed[place as usize] = 100 + place;
            place += 1;
        }
        seed
    };

    /// A birth whose every number has one byte.
    fn birth(envelope: Option<Envelope>) -> Birth {
        let series = Series {
            offering: ActorNumber(3),
            currency: Currency::USD,
            price: Money::from_minor(5).unwrap(),
            payee: ActorNumber(6),
            supplier: ActorNumber(7),
            published_at: Timestamp(8),
            seed: SEED,
            refund: RefundTerms { clawback: Clawback::Reserve, when_short: WhenShort::Refuse },
            envelope,
        };
        Birth { serial: Serial(4), series: Arc::new(series) }
    }

    fn encoded(birth: &Birth) -> Vec<u8> {
        let mut bytes = Vec::new();
        codec::encode_into(birth, &mut bytes).unwrap();
        bytes
    }

    fn envelope() -> Envelope {
        Envelope {
            payer: ActorNumber(10),
            terms: Arc::new(CommissionTerms::new(Money::from_minor(90).unwrap(), Money::ZERO)),
            deadline: Some(Timestamp(11)),
            topped_up: Money::from_minor(12).unwrap(),
            backing: None,
        }
    }

    #[test]
    fn it_is_stored_with_its_serial_behind_its_offering() {
        let (front, back) = SEED.split_at(16);
        let alone = [&[3, 4, 3][..], b"USD", &[5, 6, 7, 8, 254], front, &[254], back, &[1, 0]].concat();
        let mut terms = Vec::new();
        codec::encode_into(&*envelope().terms, &mut terms).unwrap();
        for (envelope, stored) in
            [(None, vec![0]), (Some(envelope()), [&[1, 10][..], &terms, &[1, 11, 12, 0]].concat())]
        {
            let bytes = encoded(&birth(envelope));
            assert_eq!(bytes, [&alone[..], &stored].concat(), "{bytes:02x?}");
        }
    }

    #[test]
    fn what_is_read_back_is_equal_and_stands_alone() {
        for birth in [birth(None), birth(Some(envelope()))] {
            let bytes = encoded(&birth);
            let (read, rest): (Birth, _) = codec::decode_front(&bytes).unwrap();
            assert!(rest.is_empty());
            assert_eq!(read, birth);
            assert!(!Arc::ptr_eq(&read.series, &birth.series));
        }
    }
}
