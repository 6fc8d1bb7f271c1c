//! A queue that is copied in one step, as the map in `parted`: its elements stand in small parts, which copies share until
//! one of them changes a part.
//!
//! Absent on purpose: a look at any element but the oldest, or a change of one.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How many elements a part holds, at most: a copy costs a count for each part, and a change behind a copy the elements
/// of one part.
const PART_ELEMENTS: usize = 256;

/// First in, first out.
#[derive(Clone, Debug)]
pub(in crate::domain) struct PartedQueue<T> {
    /// None of them is empty.
    parts: VecDeque<Arc<VecDeque<T>>>,
    length: usize,
}

impl<T: Clone> PartedQueue<T> {
    pub(in crate::domain) fn len(&self) -> usize {
        self.length
    }

    pub(in crate::domain) fn front(&self) -> Option<&T> {
        self.parts.front()?.front()
    }

    pub(in crate::domain) fn iter(&self) -> impl Iterator<Item = &T> {
        self.parts.iter().flat_map(|part| part.iter())
    }

    pub(in crate::domain) fn push_back(&mut self, element: T) {
        match self.parts.back_mut() {
            Some(part) if part.len() < PART_ELEMENTS => Arc::make_mut(part).push_back(element),
            _ => self.parts.push_back(Arc::new(VecDeque::from([element]))),
        }
        self.length += 1;
    }

    /// Takes the oldest, where it is one of those.
    pub(in crate::domain) fn pop_front_if(&mut self, wanted: impl FnOnce(&T) -> bool) -> Option<T> {
        if !wanted(self.front()?) {
            return None;
        }
        let part = self.parts.front_mut()?;
        let oldest = Arc::make_mut(part).pop_front();
        if part.is_empty() {
            self.parts.pop_front();
        }
        self.length -= 1;
        oldest
    }

    /// How many parts are shared with a copy, and how many there are.
    #[cfg(test)]
    pub(in crate::domain) fn shared(&self) -> (usize, usize) {
        (self.parts.iter().filter(|part| Arc::strong_count(part) > 1).count(), self.parts.len())
    }
}

impl<T> Default for PartedQueue<T> {
    fn default() -> PartedQueue<T> {
        PartedQueue { parts: VecDeque::new(), length: 0 }
    }
}

impl<T: Clone + PartialEq> PartialEq for PartedQueue<T> {
    fn eq(&self, other: &PartedQueue<T>) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<T: Clone + Serialize> Serialize for PartedQueue<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq as _;
        let mut elements = serializer.serialize_seq(Some(self.length))?;
        self.iter().try_for_each(|element| elements.serialize_element(element))?;
        elements.end()
    }
}

impl<'de, T: Clone + Deserialize<'de>> Deserialize<'de> for PartedQueue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PartedQueue<T>, D::Error> {
        let mut elements = Vec::<T>::deserialize(deserializer)?.into_iter();
        let length = elements.len();
        let part = |_| Arc::new(elements.by_ref().take(PART_ELEMENTS).collect());
        Ok(PartedQueue { parts: (0..length.div_ceil(PART_ELEMENTS)).map(part).collect(), length })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn change(queue: &mut PartedQueue<u32>, model: &mut VecDeque<u32>, changes: &[(usize, usize)]) {
        for (pushed, popped) in changes {
            for element in 0..*pushed as u32 {
                queue.push_back(element);
                model.push_back(element);
            }
            for _ in 0..*popped {
                let even = |element: &u32| element.is_multiple_of(2);
                assert_eq!(queue.front(), model.front());
                assert_eq!(queue.pop_front_if(even), model.pop_front_if(|element| even(element)));
            }
            // Nobody waits behind an odd one for ever.
            assert_eq!(queue.pop_front_if(|_| true), model.pop_front());
            assert_eq!(queue.len(), model.len());
        }
    }

    proptest! {
        #[test]
        fn copies_are_apart_and_every_one_is_the_queue_that_it_should_be(
            before in prop::collection::vec((0_usize..600, 0_usize..4), 0..6),
            after in prop::collection::vec((0_usize..600, 0_usize..400), 0..6),
        ) {
            let (mut queue, mut model) = (PartedQueue::default(), VecDeque::new());
            change(&mut queue, &mut model, &before);
            let (copy, model_before) = (queue.clone(), model.clone());
            prop_assert!(copy == queue);
            change(&mut queue, &mut model, &after);
            prop_assert!(copy.iter().eq(&model_before));
            prop_assert!(queue.iter().eq(&model));
            prop_assert_eq!(copy == queue, model_before == model);
            let (mut bytes, mut plain) = (Vec::new(), Vec::new());
            crate::codec::encode_into(&queue, &mut bytes).unwrap();
            crate::codec::encode_into(&model, &mut plain).unwrap();
            prop_assert_eq!(&bytes, &plain, "it is stored as a plain queue");
            let (read, _) = crate::codec::decode_front::<PartedQueue<u32>>(&bytes).unwrap();
            prop_assert!(read == queue);
        }
    }
}
