//! Where each page of a house is.
//!
//! Pages of neighbouring numbers stand together in spans, so that for millions of actors the map of spans is small and
//! near, and so is the part of a span that is read. Absent on purpose: the pages.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use super::page::PageNumber;

/// Numbers are given one after the other, so the spans of up to this one are found by their place: a megabyte at most.
const NEAR_SPANS: u64 = 1 << 17;

/// How many pages a span has: a quarter of a kilobyte.
const SPAN_PAGES: u64 = 64;

/// No page is there.
const NOWHERE: u32 = u32::MAX;

type Span = [u32; SPAN_PAGES as usize];

/// Places of pages by their numbers.
#[derive(Default)]
pub(super) struct PagePlaces {
    near: Vec<Option<Box<Span>>>,
    /// Numbers are the engine's own, so nobody can choose ones that collide.
    far: HashMap<u64, Box<Span>, FxBuildHasher>,
}

impl PagePlaces {
    /// Where a page is, if it is there.
    pub(super) fn get(&self, page: PageNumber) -> Option<u32> {
        let number = page.0 / SPAN_PAGES;
        let span = match self.near.get(number as usize) {
            Some(span) => span.as_ref()?,
            None => self.far.get(&number)?,
        };
        Some(span[within(page)]).filter(|place| *place != NOWHERE)
    }

    /// Notes where a page is.
    pub(super) fn put(&mut self, page: PageNumber, place: u32) {
        let number = page.0 / SPAN_PAGES;
        let empty = || Box::new([NOWHERE; SPAN_PAGES as usize]);
        let span = if number < NEAR_SPANS {
            let place = number as usize;
            if self.near.len() <= place {
                self.near.resize_with(place + 1, || None);
            }
            self.near[place].get_or_insert_with(empty)
        } else {
            self.far.entry(number).or_insert_with(empty)
        };
        span[within(page)] = place;
    }

    /// Forgets a page; gives where it was.
    pub(super) fn remove(&mut self, page: PageNumber) -> Option<u32> {
        let place = self.get(page)?;
        self.put(page, NOWHERE);
        Some(place)
    }
}

fn within(page: PageNumber) -> usize {
    (page.0 % SPAN_PAGES) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn places_are_those_of_a_plain_map(
            changes in prop::collection::vec((prop_oneof![0_u64..200, 0_u64..1 << 24, any::<u64>()], any::<Option<u8>>()), 1..300),
        ) {
            let (mut places, mut plain) = (PagePlaces::default(), HashMap::new());
            for (page, place) in changes {
                let number = PageNumber(page);
                match place.map(u32::from) {
                    Some(place) => {
                        places.put(number, place);
                        plain.insert(page, place);
                    }
                    None => prop_assert_eq!(places.remove(number), plain.remove(&page)),
                }
                prop_assert_eq!(places.get(number), plain.get(&page).copied());
            }
            for (page, place) in plain {
                prop_assert_eq!(places.get(PageNumber(page)), Some(place));
            }
        }
    }
}
