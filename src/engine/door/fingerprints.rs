//! The fingerprints of commands. What comes in crowds is spelled out here, byte for byte as `codec` has it, which a test
//! holds; and where one command follows on the same, its fingerprint is there already.
//!
//! Absent on purpose: what a fingerprint is. `codec::fingerprint` says that.

use crate::codec;
use crate::domain::{Code, Command, Fingerprint, Name, PaidFrom, Refusal, Serial, Via};
use crate::limits::NAME_BYTES_MAX;

/// The fingerprint of a command.
pub(super) fn of(command: &Command) -> Result<Fingerprint, Refusal> {
    match command {
        Command::Circulate { offering, serial, via: via @ (Via::Public | Via::Link) } => {
            Ok(Spelled::new(CIRCULATE, offering, *serial, &[number(via)]).fingerprint())
        }
        Command::Purchase {
            offering,
            serial,
            via: via @ (Via::Public | Via::Link),
            paid_from: PaidFrom::Available,
        } => Ok(Spelled::new(PURCHASE, offering, *serial, &[number(via), AVAILABLE]).fingerprint()),
        _ => codec::fingerprint(command).map_err(|_| Refusal::of(Code::Internal)),
    }
}

/// The fingerprints of commands one after the other.
#[derive(Default)]
pub(in crate::engine) struct Fingerprints<'sent> {
    last: Option<(&'sent Command, Fingerprint)>,
}

impl<'sent> Fingerprints<'sent> {
    /// The fingerprint of the next command.
    pub(in crate::engine) fn of(&mut self, command: &'sent Command) -> Result<Fingerprint, Refusal> {
        match self.last {
            Some((last, fingerprint)) if last == command => Ok(fingerprint),
            _ => {
                let fingerprint = of(command)?;
                self.last = Some((command, fingerprint));
                Ok(fingerprint)
            }
        }
    }
}

/// The numbers of variants, as they are stored.
const CIRCULATE: u8 = 8;
const PURCHASE: u8 = 10;
const AVAILABLE: u8 = 0;

fn number(via: &Via) -> u8 {
    match via {
        Via::Public => 0,
        Via::PrivatePage(_) => 1,
        Via::Link => 2,
    }
}

/// What stands for a number of two bytes, and of four; one that is less than the first stands for itself.
const TWO_BYTES: u8 = 251;
const FOUR_BYTES: u8 = 252;

/// A variant, a name and its length, an optional number, and two more variants.
const SPELLED_BYTES_MAX: usize = 2 + NAME_BYTES_MAX + 6 + 2;
const _: () = assert!(NAME_BYTES_MAX < TWO_BYTES as usize, "the length of a name is one byte");

/// A command's bytes.
struct Spelled {
    bytes: [u8; SPELLED_BYTES_MAX],
    length: usize,
}

impl Spelled {
    /// A command that begins with its offering and a serial, and then has only variants.
    fn new(command: u8, offering: &Name, serial: Option<Serial>, variants: &[u8]) -> Spelled {
        let mut spelled = Spelled { bytes: [0; SPELLED_BYTES_MAX], length: 0 };
        let name = offering.as_str().as_bytes();
        spelled.add(&[command, name.len() as u8]);
        spelled.add(name);
        match serial {
            None => spelled.add(&[0]),
            Some(Serial(serial)) => {
                let [first, second, ..] = serial.to_le_bytes();
                match u16::try_from(serial) {
                    Ok(serial) if serial < u16::from(TWO_BYTES) => spelled.add(&[1, first]),
                    Ok(_) => spelled.add(&[1, TWO_BYTES, first, second]),
                    Err(_) => {
                        spelled.add(&[1, FOUR_BYTES]);
                        spelled.add(&serial.to_le_bytes());
                    }
                }
            }
        }
        spelled.add(variants);
        spelled
    }

    fn add(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        self.bytes[self.length..end].copy_from_slice(bytes);
        self.length = end;
    }

    fn fingerprint(&self) -> Fingerprint {
        let mut short = [0; 16];
        short.copy_from_slice(&blake3::hash(&self.bytes[..self.length]).as_bytes()[..16]);
        Fingerprint(short)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RequestId;

    #[test]
    fn what_is_spelled_out_is_what_the_codec_gives() {
        let names = ["a", "tea", "买家", &"n".repeat(23), &"n".repeat(24), &"n".repeat(NAME_BYTES_MAX)];
        let serials =
            [0, 1, 250, 251, 252, 65_535, 65_536, u32::MAX].map(|serial| Some(Serial(serial))).into_iter();
        let payment = PaidFrom::PaymentCertificate(RequestId::new("payment").unwrap());
        for serial in serials.chain([None]) {
            for name in names.map(|name| Name::new(name).unwrap()) {
                for via in [Via::Public, Via::Link, Via::PrivatePage(name.clone())] {
                    for paid_from in [PaidFrom::Available, payment.clone()] {
                        let (offering, via) = (name.clone(), via.clone());
                        let command = Command::Purchase { offering, serial, via, paid_from };
                        assert_eq!(
                            of(&command).unwrap(),
                            codec::fingerprint(&command).unwrap(),
                            "{command:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn each_of_several_commands_has_its_own() {
        let name = |name| Name::new(name).unwrap();
        let buy = |serial| Command::purchase(name("tea"), Some(Serial(serial)), Via::Public);
        let look = || Command::ShowOffering { offering: name("tea") };
        let commands = [buy(1), buy(1), buy(2), look(), look(), buy(2), buy(1)];
        let mut fingerprints = Fingerprints::default();
        for command in &commands {
            assert_eq!(fingerprints.of(command).unwrap(), codec::fingerprint(command).unwrap());
        }
    }
}
