//! Decisions out of bytes: the same bytes always decide alike, so that a fuzzer can bend them and a
//! failing case can be kept as a file. When the bytes run out every decision is the first, which
//! is why the first alternative everywhere is the one that ends.

/// Bytes that are used up one decision at a time.
#[derive(Debug)]
pub(crate) struct Choices<'d> {
    rest: &'d [u8],
}

impl<'d> Choices<'d> {
    /// Decisions out of these bytes.
    pub(crate) fn new(data: &'d [u8]) -> Self {
        Self { rest: data }
    }

    /// A number below `bound`, which is at most 256.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let Some((first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        usize::from(*first) % bound.max(1)
    }

    /// One of several.
    pub(crate) fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    /// Yes, once in `many` times; never when the bytes have run out.
    pub(crate) fn rarely(&mut self, many: usize) -> bool {
        self.below(many) == many - 1
    }

    /// Some of the bytes as they are.
    pub(crate) fn raw(&mut self, most: usize) -> &'d [u8] {
        let length = self.below(256).min(most).min(self.rest.len());
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// Whether nothing is left to decide by.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}
