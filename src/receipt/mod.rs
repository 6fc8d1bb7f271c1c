//! Receipts: one purchase as a document that anybody can verify with nothing but the document.
//!
//! It says in words who bought what from whom, and has the certificate's whole chain, each entry with the bytes that are hashed. Whoever
//! verifies it works out every head anew, reads the events out of the bytes, and compares what follows from them with the words.
//! Absent on purpose: signatures. A chain proves that nothing was changed since somebody else has kept a head of it.

mod facts;
mod ledger;

use std::collections::BTreeMap;

pub use facts::{Cashed, Commission, Facts, Party, Refund};
use ledger::Ledger;
use serde::{Deserialize, Serialize};

use crate::domain::chain::{self, Head};
use crate::domain::{ActorNumber, Name, Timestamp};
use crate::limits::{RECEIPT_ENTRIES_MAX, RECEIPT_EVENTS_BYTES_MAX, RECEIPT_FILE_BYTES_MAX};

/// How a receipt of this form begins.
const FORMAT: &str = "hongbao receipt 1";
/// How a receipt of any form begins, before its number.
const FORMAT_WORDS: &str = "hongbao receipt ";

/// A receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    format: String,
    /// What it says.
    facts: Facts,
    /// What proves it.
    chain: Proof,
    /// The hash of all this, so that a slip of a copy is found, also in a name, which the chain does not know.
    checksum: String,
}

/// A certificate's whole chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    /// Whose chain; before the first entry it is the head, in 8 bytes and 24 zeros.
    actor: u64,
    entries: Vec<EntryText>,
    /// How many entries there are.
    sequence: u64,
    /// The head after the last.
    head: String,
}

/// An entry of a chain, as it is hashed behind the head before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryText {
    /// Milliseconds since 1970.
    at: u64,
    /// The encoding of its events, in hexadecimal.
    events: String,
}

/// An entry of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its time.
    pub at: Timestamp,
    /// The encoding of its events.
    pub events: Vec<u8>,
}

/// A text is no receipt, or not a true one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// It has not the form of one.
    #[error("is no receipt: {0}")]
    NotAReceipt(String),
    /// A later version has made it.
    #[error("is of the form {0:?}, which this hongbao does not read: verify it with a newer one")]
    Newer(String),
    /// It ends before it is whole.
    #[error("is cut off behind {0} bytes: get it anew, and whole")]
    CutOff(usize),
    /// Its bytes do not match its checksum.
    #[error(
        "was changed after it was given, or badly copied, for it does not match its checksum: {0}; get it anew"
    )]
    Checksum(String),
    /// Its chain is none.
    #[error("has a chain that is none: {0}")]
    Chain(String),
    /// It says something else than its chain.
    #[error("is not true: {0}")]
    Untrue(String),
    /// It has no head like the one that was kept.
    #[error("has no such head: the chain that the head was kept of is another one, or was changed since")]
    OtherHead,
    /// The head that was kept is older than the sale.
    #[error(
        "was sold with entry {sale}, and the head that was kept is that of entry {kept}: it proves nothing of the sale"
    )]
    HeadBeforeSale {
        /// The sale's entry.
        sale: u64,
        /// The head's.
        kept: u64,
    },
}

/// What verifying a receipt has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// What it says, which is what its chain says; the names alone are the server's word.
    pub facts: Facts,
    /// How many entries the chain has.
    pub entries: u64,
    /// Which of them is the sale.
    pub sale: u64,
    /// The head after the last, in hexadecimal.
    pub chain_head: String,
    /// Of which entry the head is that was kept, where one was given.
    pub kept: Option<u64>,
}

/// What a receipt that agrees with itself says.
struct Agreed {
    facts: Facts,
    /// The head after each entry.
    heads: Vec<Head>,
    /// Which entry is the sale.
    sale: u64,
}

/// Everybody whom a receipt of this chain names, so that their names can be looked up.
///
/// # Errors
/// As for `Receipt::of`.
pub fn named(certificate: ActorNumber, entries: &[Entry]) -> Result<Vec<ActorNumber>, ReceiptError> {
    Ok(Facts::named(&Ledger::of(certificate, entries).map_err(ReceiptError::Chain)?))
}

/// The head after the last of these entries.
#[must_use]
pub fn head_of(actor: ActorNumber, entries: &[Entry]) -> Head {
    heads(actor, entries).last().unwrap_or_else(|| chain::origin(actor))
}

fn heads(actor: ActorNumber, entries: &[Entry]) -> impl Iterator<Item = Head> {
    let mut head = chain::origin(actor);
    entries.iter().map(move |entry| {
        head = chain::advance(&head, entry.at, &entry.events);
        head
    })
}

impl Receipt {
    /// A receipt of a sold certificate's whole chain.
    ///
    /// # Errors
    /// Where the entries are not those of a sold certificate, or somebody has no name.
    pub fn of(
        certificate: ActorNumber,
        entries: &[Entry],
        names: &BTreeMap<u64, Name>,
    ) -> Result<Receipt, ReceiptError> {
        let ledger = Ledger::of(certificate, entries).map_err(ReceiptError::Chain)?;
        let facts = Facts::of(&ledger, certificate, names).map_err(ReceiptError::Untrue)?;
        let text = |entry: &Entry| EntryText { at: entry.at.0, events: hex(&entry.events) };
        let chain = Proof {
            actor: certificate.0,
            entries: entries.iter().map(text).collect(),
            sequence: entries.len() as u64,
            head: hex(&head_of(certificate, entries)),
        };
        let mut receipt = Receipt { format: FORMAT.to_owned(), facts, chain, checksum: String::new() };
        receipt.checksum = receipt.sum()?;
        Ok(receipt)
    }

    /// Reads a receipt's text, and nothing in it is believed yet.
    ///
    /// # Errors
    /// `NotAReceipt`, `Newer`.
    pub fn parse(text: &[u8]) -> Result<Receipt, ReceiptError> {
        if text.len() as u64 > RECEIPT_FILE_BYTES_MAX {
            let why = format!("it has {} bytes, and none has more than {RECEIPT_FILE_BYTES_MAX}", text.len());
            return Err(ReceiptError::NotAReceipt(why));
        }
        #[derive(Deserialize)]
        struct Form {
            format: String,
        }
        let wrong = |error: serde_json::Error| match error.is_eof() {
            true if text.trim_ascii_start().starts_with(b"{") => ReceiptError::CutOff(text.len()),
            _ => ReceiptError::NotAReceipt(error.to_string()),
        };
        let form = serde_json::from_slice::<Form>(text).map_err(wrong)?.format;
        if form != FORMAT {
            return Err(
                match form.strip_prefix(FORMAT_WORDS).and_then(|number| number.parse::<u32>().ok()) {
                    Some(number) if number > 1 => ReceiptError::Newer(form),
                    _ => ReceiptError::NotAReceipt(format!("its format is not {FORMAT:?}")),
                },
            );
        }
        serde_json::from_slice(text).map_err(|error| match wrong(error) {
            ReceiptError::NotAReceipt(why) => {
                ReceiptError::NotAReceipt(format!("{why}; its format says {FORMAT:?}, so it was edited"))
            }
            other => other,
        })
    }

    /// Works out the chain anew, and compares what it says with what the receipt says, and with a head that was kept elsewhere.
    ///
    /// # Errors
    /// What is not so.
    pub fn verify(&self, kept: Option<&Head>) -> Result<Verified, ReceiptError> {
        if self.sum()? != self.checksum {
            return Err(ReceiptError::Checksum(self.misfit()));
        }
        let Agreed { facts, heads, sale } = self.agreed()?;
        let kept = kept.map(|kept| {
            let place = heads.iter().position(|head| head == kept).ok_or(ReceiptError::OtherHead)?;
            let kept = place as u64 + 1;
            if kept < sale { Err(ReceiptError::HeadBeforeSale { sale, kept }) } else { Ok(kept) }
        });
        Ok(Verified {
            facts,
            entries: heads.len() as u64,
            sale,
            chain_head: self.chain.head.clone(),
            kept: kept.transpose()?,
        })
    }

    /// What of a receipt that does not match its checksum does not fit the rest of it, as far as that can be known.
    fn misfit(&self) -> String {
        match self.agreed() {
            Err(ReceiptError::Untrue(why)) => {
                format!("the chain is whole, so the facts were changed: {why}")
            }
            Err(ReceiptError::Chain(why)) => match self.otherwise() {
                Some(otherwise) => format!("the chain was changed: {why}, and of the facts, {otherwise}"),
                None => format!("the chain was changed: {why}"),
            },
            // Names and the checksum are all that no chain knows.
            _ => {
                "all but the names agrees with the chain, so a name in the facts was changed, or the checksum"
                    .to_owned()
            }
        }
    }

    /// What the facts say otherwise than the entries of a chain that does not lead to its head.
    fn otherwise(&self) -> Option<String> {
        let number = ActorNumber(self.chain.actor);
        let ledger = Ledger::of(number, &self.chain.read().ok()?).ok()?;
        let expected = Facts::of(&ledger, number, &self.facts.names().ok()?).ok()?;
        self.facts.difference(&expected)
    }

    /// Works out the chain anew, and compares what it says with what the receipt says.
    ///
    /// # Errors
    /// What is not so.
    fn agreed(&self) -> Result<Agreed, ReceiptError> {
        let entries = self.chain.read()?;
        let number = ActorNumber(self.chain.actor);
        let heads: Vec<Head> = heads(number, &entries).collect();
        if self.chain.sequence != entries.len() as u64 {
            let why = format!("it has {} entries and says {}", entries.len(), self.chain.sequence);
            return Err(ReceiptError::Chain(why));
        }
        if heads.last().is_none_or(|head| hex(head) != self.chain.head) {
            return Err(ReceiptError::Chain("its entries do not lead to its head".to_owned()));
        }
        let ledger = Ledger::of(number, &entries).map_err(ReceiptError::Chain)?;
        let names = self.facts.names().map_err(ReceiptError::Untrue)?;
        let expected = Facts::of(&ledger, number, &names).map_err(ReceiptError::Untrue)?;
        if let Some(why) = self.facts.difference(&expected) {
            return Err(ReceiptError::Untrue(why));
        }
        let sale = ledger.sale.as_ref().map_or(0, |sale| sale.entry);
        Ok(Agreed { facts: expected, heads, sale })
    }

    /// The hash of everything but the checksum, in the form in which it is written here, whatever blanks a copy has.
    fn sum(&self) -> Result<String, ReceiptError> {
        let text = serde_json::to_string(&(&self.format, &self.facts, &self.chain));
        let text = text.map_err(|error| ReceiptError::NotAReceipt(error.to_string()))?;
        Ok(hex(blake3::hash(text.as_bytes()).as_bytes()))
    }
}

impl Proof {
    fn read(&self) -> Result<Vec<Entry>, ReceiptError> {
        if self.entries.len() > RECEIPT_ENTRIES_MAX {
            let why = format!(
                "it has {} entries: no receipt has more than {RECEIPT_ENTRIES_MAX}",
                self.entries.len()
            );
            return Err(ReceiptError::Chain(why));
        }
        let (mut entries, mut bytes) = (Vec::with_capacity(self.entries.len()), 0);
        for (number, entry) in (1_u64..).zip(&self.entries) {
            let events = unhex(&entry.events)
                .ok_or_else(|| ReceiptError::Chain(format!("entry {number} is not in hexadecimal")))?;
            bytes += events.len();
            if bytes > RECEIPT_EVENTS_BYTES_MAX {
                let why = format!("its events have more than {RECEIPT_EVENTS_BYTES_MAX} bytes");
                return Err(ReceiptError::Chain(why));
            }
            entries.push(Entry { at: Timestamp(entry.at), events });
        }
        Ok(entries)
    }
}

/// Bytes as text, in small letters.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of such a text; none where it is another one.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| if let [high, low] = pair { Some(digit(*high)? << 4 | digit(*low)?) } else { None })
        .collect()
}

/// Reads a head as it is shown: 64 digits of hexadecimal.
///
/// # Errors
/// In words, what it should be.
pub fn parse_head(text: &str) -> Result<Head, String> {
    let bytes = unhex(&text.to_ascii_lowercase()).and_then(|bytes| Head::try_from(bytes).ok());
    bytes.ok_or_else(|| "a head has 64 digits of hexadecimal, as chain_head shows it".to_owned())
}

#[cfg(test)]
mod tests;
