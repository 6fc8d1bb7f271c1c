//! What stands on the public platform, and by which words of its product it is found (P8, V1).
//!
//! An index beside the directory, made of what offerings were published with; it is never stored. Absent on purpose:
//! what a row shows. Rows come from the live offerings.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::domain::{ActorNumber, Information, Name};

/// Published offerings in the order of their numbers, and their words.
#[derive(Debug, Default)]
pub(super) struct Platform {
    published: BTreeMap<ActorNumber, Name>,
    words: BTreeMap<String, BTreeSet<ActorNumber>>,
}

impl Platform {
    /// An offering is published, once.
    pub(super) fn add(&mut self, number: ActorNumber, name: &Name, information: &Information) {
        self.published.insert(number, name.clone());
        for word in words_of(&information.product_name).chain(words_of(&information.product)) {
            self.words.entry(word).or_default().insert(number);
        }
    }

    /// Up to `most` offerings behind `after` whose product has every word of the text, in the order of their numbers;
    /// all offerings, where the text has no word.
    pub(super) fn find(&self, text: &str, after: ActorNumber, most: usize) -> Vec<(ActorNumber, Name)> {
        let behind = (Bound::Excluded(after), Bound::Unbounded);
        let named = |number: &ActorNumber| self.published.get(number).map(|name| (*number, name.clone()));
        let mut sets = Vec::new();
        for word in words_of(text) {
            match self.words.get(&word) {
                Some(set) => sets.push(set),
                None => return Vec::new(),
            }
        }
        // The rarest word is looked through, the others are only asked.
        sets.sort_by_key(|set| set.len());
        match sets.split_first() {
            None => self
                .published
                .range(behind)
                .take(most)
                .map(|(number, name)| (*number, name.clone()))
                .collect(),
            Some((rarest, others)) => rarest
                .range(behind)
                .filter(|number| others.iter().all(|set| set.contains(number)))
                .filter_map(named)
                .take(most)
                .collect(),
        }
    }

    /// The published offering that has this number, or whose certificate has it: the nearest one at or before.
    pub(super) fn holding(&self, number: ActorNumber) -> Option<(ActorNumber, Name)> {
        self.published.range(..=number).next_back().map(|(number, name)| (*number, name.clone()))
    }
}

/// The words of a text in small letters. Scripts that are written without blanks have a word for each sign, so
/// that a part of what is written finds the whole.
fn words_of(text: &str) -> impl Iterator<Item = String> + use<'_> {
    let apart = |letter: char| matches!(letter, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}');
    text.split(|letter: char| !letter.is_alphanumeric()).flat_map(move |run| {
        let mut words = Vec::new();
        let mut word = String::new();
        for letter in run.chars() {
            if apart(letter) {
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
                words.push(letter.to_string());
            } else {
                word.extend(letter.to_lowercase());
            }
        }
        words.extend((!word.is_empty()).then_some(word));
        words
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform() -> Platform {
        let mut platform = Platform::default();
        let products = ["Green Tea, 250 g", "Black tea", "红茶礼盒 Deluxe", "GREEN lantern"];
        for (number, product) in (1_u64..).zip(products) {
            let number = ActorNumber(number * 10);
            let information =
                Information { product: "from Fujian".to_owned(), ..Information::new(product, "") };
            platform.add(number, &Name::new(format!("offering {}", number.0)).unwrap(), &information);
        }
        platform
    }

    // P8
    #[test]
    fn every_word_must_be_there_whatever_its_letters_are_like() {
        let platform = platform();
        for (text, expected) in [
            ("tea", &[10, 20][..]),
            ("TEA green", &[10]),
            ("green", &[10, 40]),
            ("gree", &[]),
            ("红", &[30]),
            ("礼红", &[30]),
            ("红茶 deluxe", &[30]),
            ("红酒", &[]),
            ("fujian", &[10, 20, 30, 40]),
            (" ,;", &[10, 20, 30, 40]),
            ("", &[10, 20, 30, 40]),
            ("250", &[10]),
        ] {
            let found = platform.find(text, ActorNumber(0), 9);
            let numbers: Vec<u64> = found.iter().map(|(number, _)| number.0).collect();
            assert_eq!(numbers, expected, "{text:?}");
        }
        let behind = platform.find("tea", ActorNumber(10), 9);
        assert_eq!(behind.len(), 1);
        assert_eq!(platform.find("", ActorNumber(0), 2).len(), 2);
    }

    #[test]
    fn a_certificate_belongs_to_the_offering_before_it() {
        let platform = platform();
        assert_eq!(platform.holding(ActorNumber(9)), None);
        for number in [20, 21, 29] {
            let found = platform.holding(ActorNumber(number)).map(|(number, _)| number);
            assert_eq!(found, Some(ActorNumber(20)));
        }
    }
}
