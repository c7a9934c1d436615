//! Sets without an order of their own, which come in another one each time: their elements are put in the order of what is
//! written.
//!
//! serde cannot tell such a set from a sequence; its type can, wherever that is part of another as what it is: not where a
//! type of its own or a function writes it (`transparent`, `with`, `into`).

use std::any::type_name;

use crate::key::buffer::Buffer;

/// What sets are called. Not those with an order, which a function may go by: an `IndexSet`, a `BinaryHeap`.
const SETS: [&str; 3] =
    ["std::collections::hash::set::HashSet<", "hashbrown::set::HashSet<", "ahash::hash_set::AHashSet<"];

const SHORTEST: usize = "hashbrown::set::HashSet<".len();

/// What is written as what it points to.
const POINTERS: [&str; 7] =
    ["&", "mut ", "'_, ", "alloc::boxed::Box<", "alloc::sync::Arc<", "alloc::rc::Rc<", "alloc::borrow::Cow<"];

/// Whether the elements of a `T` come in any order. The compiler knows the answer for most types.
#[inline]
pub(super) fn is_set<T: ?Sized>() -> bool {
    let name = type_name::<T>();
    name.len() > SHORTEST && is_name_of_set(name)
}

#[inline]
fn is_name_of_set(mut name: &str) -> bool {
    while let Some(behind) = POINTERS.iter().find_map(|pointer| name.strip_prefix(pointer)) {
        name = behind;
    }
    SETS.iter().any(|set| name.starts_with(set))
}

/// Puts the elements of the sequence that is written from `start` on in order.
#[cold]
pub(super) fn sort(buffer: &mut Buffer, start: usize) {
    let Some([b'[', elements @ .., b']']) = buffer.get(start..) else { return };
    let mut depth = 0_usize;
    // Plain brackets and commas are marks of the grammar: what is text has escapes in their place.
    let between = |byte: &u8| {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        *byte == b',' && depth == 0
    };
    let mut sorted: Vec<Vec<u8>> = elements.split(between).map(<[u8]>::to_vec).collect();
    sorted.sort_unstable();
    let sorted = sorted.join(&b',');
    buffer.truncate(start + 1);
    buffer.extend_from_slice(&sorted);
    buffer.push(b']');
}
