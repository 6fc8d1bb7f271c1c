//! The fingerprints of commands: where one follows on the same, as in a rush, its fingerprint is there already.
//!
//! Absent on purpose: what a fingerprint is. `codec::fingerprint` says that.

use crate::codec;
use crate::domain::{Code, Command, Fingerprint, Refusal};

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
                let fingerprint = codec::fingerprint(command).map_err(|_| Refusal::of(Code::Internal))?;
                self.last = Some((command, fingerprint));
                Ok(fingerprint)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Name, Serial, Via};

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
