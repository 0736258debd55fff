//! The part of MessagePack that version 1 uses, without a heap: a reader that hands out slices of a message, bounded in
//! depth and number, and a writer into a buffer.
//!
//! Source: the MessagePack specification (2017-08 revision), "Formats". Extension types are not part of version 1.

use crate::limits::{NESTING, VALUES};
use crate::reason::Malformed;

/// One value, its content still to be read where it is a list or a map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Nothing.
    Nil,
    /// True or false.
    Bool(bool),
    /// An integer; those of 2⁶³ and more are read as [`Value::Float`], because nothing of this layer is as large.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text.
    Str(&'a str),
    /// Bytes.
    Bin(&'a [u8]),
    /// A list of that many values.
    List(usize),
    /// A map of that many keys, each followed by its value.
    Map(usize),
}

/// Reads values from the front of a message.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
    /// Values that may still be read.
    budget: usize,
}

impl<'a> Reader<'a> {
    /// A reader of this message, which has at most [`VALUES`] values.
    #[must_use]
    pub const fn new(message: &'a [u8]) -> Self {
        Self { rest: message, budget: VALUES }
    }

    /// Whether everything is read.
    #[must_use]
    pub const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn length8(&mut self) -> Result<usize, Malformed> {
        Ok(usize::from(u8::from_be_bytes(self.array()?)))
    }

    fn length16(&mut self) -> Result<usize, Malformed> {
        Ok(usize::from(u16::from_be_bytes(self.array()?)))
    }

    fn length32(&mut self) -> Result<usize, Malformed> {
        usize::try_from(u32::from_be_bytes(self.array()?)).map_err(|_| Malformed)
    }

    fn text(&mut self, length: usize) -> Result<Value<'a>, Malformed> {
        core::str::from_utf8(self.take(length)?).map(Value::Str).map_err(|_| Malformed)
    }

    /// The next value; of a list or a map only how long it is.
    ///
    /// # Errors
    /// [`Malformed`] at the end of the message, for what version 1 does not use, and after [`VALUES`] values.
    pub fn value(&mut self) -> Result<Value<'a>, Malformed> {
        self.budget = self.budget.checked_sub(1).ok_or(Malformed)?;
        let [marker] = self.array()?;
        Ok(match marker {
            0x00..=0x7f => Value::Int(i64::from(marker)),
            0x80..=0x8f => Value::Map(usize::from(marker & 0x0f)),
            0x90..=0x9f => Value::List(usize::from(marker & 0x0f)),
            0xa0..=0xbf => self.text(usize::from(marker & 0x1f))?,
            0xc0 => Value::Nil,
            0xc2 => Value::Bool(false),
            0xc3 => Value::Bool(true),
            0xc4 => {
                let length = self.length8()?;
                Value::Bin(self.take(length)?)
            }
            0xc5 => {
                let length = self.length16()?;
                Value::Bin(self.take(length)?)
            }
            0xc6 => {
                let length = self.length32()?;
                Value::Bin(self.take(length)?)
            }
            0xca => Value::Float(f64::from(f32::from_be_bytes(self.array()?))),
            0xcb => Value::Float(f64::from_be_bytes(self.array()?)),
            0xcc => Value::Int(i64::from(u8::from_be_bytes(self.array()?))),
            0xcd => Value::Int(i64::from(u16::from_be_bytes(self.array()?))),
            0xce => Value::Int(i64::from(u32::from_be_bytes(self.array()?))),
            0xcf => {
                let number = u64::from_be_bytes(self.array()?);
                #[expect(clippy::cast_precision_loss, reason = "it is only known to be too large")]
                let float = number as f64;
                i64::try_from(number).map_or(Value::Float(float), Value::Int)
            }
            0xd0 => Value::Int(i64::from(i8::from_be_bytes(self.array()?))),
            0xd1 => Value::Int(i64::from(i16::from_be_bytes(self.array()?))),
            0xd2 => Value::Int(i64::from(i32::from_be_bytes(self.array()?))),
            0xd3 => Value::Int(i64::from_be_bytes(self.array()?)),
            0xd9 => {
                let length = self.length8()?;
                self.text(length)?
            }
            0xda => {
                let length = self.length16()?;
                self.text(length)?
            }
            0xdb => {
                let length = self.length32()?;
                self.text(length)?
            }
            0xdc => Value::List(self.length16()?),
            0xdd => Value::List(self.length32()?),
            0xde => Value::Map(self.length16()?),
            0xdf => Value::Map(self.length32()?),
            // 0xc1 is never used; the others are extensions.
            0xc1 | 0xc7..=0xc9 | 0xd4..=0xd8 => return Err(Malformed),
            0xe0..=0xff => Value::Int(i64::from(i8::from_be_bytes([marker]))),
        })
    }

    /// The next value with all that it contains, as its bytes: well-formed, no deeper than [`NESTING`], the keys of its
    /// maps text.
    ///
    /// # Errors
    /// As [`Reader::value`].
    pub fn raw(&mut self) -> Result<(Value<'a>, &'a [u8]), Malformed> {
        let before = self.rest;
        let value = self.value()?;
        self.content(value)?;
        let length = before.len() - self.rest.len();
        Ok((value, before.get(..length).ok_or(Malformed)?))
    }

    /// Reads over the content of a list or a map whose head has just been read. Without recursion: what is open is a
    /// stack of counts.
    fn content(&mut self, head: Value<'a>) -> Result<(), Malformed> {
        let mut open: heapless::Vec<(usize, bool), NESTING> = heapless::Vec::new();
        let enter = |open: &mut heapless::Vec<(usize, bool), NESTING>, value| match value {
            Value::List(length) => open.push((length, false)).map_err(|_| Malformed),
            Value::Map(length) => open.push((length, true)).map_err(|_| Malformed),
            Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) | Value::Bin(_) => Ok(()),
        };
        enter(&mut open, head)?;
        while let Some((left, is_map)) = open.last_mut() {
            let Some(fewer) = left.checked_sub(1) else {
                open.pop();
                continue;
            };
            *left = fewer;
            if *is_map {
                self.key()?;
            }
            let value = self.value()?;
            enter(&mut open, value)?;
        }
        Ok(())
    }

    /// The next key of a map.
    ///
    /// # Errors
    /// [`Malformed`] when it is not text.
    pub fn key(&mut self) -> Result<&'a str, Malformed> {
        match self.value()? {
            Value::Str(key) => Ok(key),
            Value::Nil
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Bin(_)
            | Value::List(_)
            | Value::Map(_) => Err(Malformed),
        }
    }
}

impl<'a> Value<'a> {
    /// As an integer, with the coercions that version 1 peers know: whole floats, decimal text, truth values.
    ///
    /// # Errors
    /// [`Malformed`] for everything else.
    pub fn integer(self) -> Result<i64, Malformed> {
        match self {
            Value::Int(number) => Ok(number),
            Value::Bool(truth) => Ok(i64::from(truth)),
            Value::Float(number) => whole(number).ok_or(Malformed),
            Value::Str(text) => {
                let text = text.trim();
                let (number, fraction) = text.split_once('.').unwrap_or((text, "0"));
                let is_whole = !fraction.is_empty() && fraction.bytes().all(|digit| digit == b'0');
                number.parse().ok().filter(|_| is_whole).ok_or(Malformed)
            }
            Value::Nil | Value::Bin(_) | Value::List(_) | Value::Map(_) => Err(Malformed),
        }
    }

    /// As a truth value, with the same coercions: 0 and 1, and the common words.
    ///
    /// # Errors
    /// [`Malformed`] for everything else.
    pub fn truth(self) -> Result<bool, Malformed> {
        const WORDS: [(&str, bool); 12] = [
            ("true", true),
            ("t", true),
            ("yes", true),
            ("y", true),
            ("on", true),
            ("1", true),
            ("false", false),
            ("f", false),
            ("no", false),
            ("n", false),
            ("off", false),
            ("0", false),
        ];
        match self {
            Value::Bool(truth) => Ok(truth),
            Value::Str(text) => {
                let found = WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
                found.map(|(_, truth)| *truth).ok_or(Malformed)
            }
            Value::Int(0) => Ok(false),
            Value::Int(1) => Ok(true),
            Value::Float(0.0) => Ok(false),
            Value::Float(number) if (number - 1.0).abs() < f64::EPSILON => Ok(true),
            Value::Nil | Value::Int(_) | Value::Float(_) | Value::Bin(_) | Value::List(_) | Value::Map(_) => {
                Err(Malformed)
            }
        }
    }

    /// As text.
    ///
    /// # Errors
    /// [`Malformed`] for everything else.
    pub const fn text(self) -> Result<&'a str, Malformed> {
        if let Value::Str(text) = self { Ok(text) } else { Err(Malformed) }
    }
}

/// A float that is an integer, as one.
fn whole(number: f64) -> Option<i64> {
    // Beyond this a float no longer tells neighbours apart.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let inside = (-EXACT..=EXACT).contains(&number);
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked, and what is cut off is compared")]
    let integer = number as i64;
    #[expect(clippy::cast_precision_loss, reason = "exact in this range")]
    let same = integer as f64 == number;
    (inside && same).then_some(integer)
}

/// Writes values to the front of a buffer. What does not fit is noticed at the end.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut [u8],
    used: usize,
    fits: bool,
}

impl<'a> Writer<'a> {
    /// A writer into this buffer.
    pub const fn new(out: &'a mut [u8]) -> Self {
        Self { out, used: 0, fits: true }
    }

    /// Bytes as they are.
    pub fn put(&mut self, bytes: &[u8]) -> &mut Self {
        match self.out.get_mut(self.used..).and_then(|room| room.get_mut(..bytes.len())) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.used += bytes.len();
            }
            None => self.fits = false,
        }
        self
    }

    /// The head of a map of that many keys, at most 15.
    pub fn map(&mut self, keys: u8) -> &mut Self {
        debug_assert!(keys < 16, "no map of this protocol is larger");
        self.put(&[0x80 | (keys & 0x0f)])
    }

    /// Text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.text_head(text.len()).put(text.as_bytes())
    }

    /// The head of a text of that many bytes, which follow.
    pub fn text_head(&mut self, length: usize) -> &mut Self {
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short @ 0..=31), _) => self.put(&[0xa0 | short]),
            (Ok(short), _) => self.put(&[0xd9, short]),
            (_, Ok(long)) => self.put(&[0xda]).put(&long.to_be_bytes()),
            _ => {
                self.fits = false;
                self
            }
        }
    }

    /// Bytes, at most 255.
    pub fn bin(&mut self, bytes: &[u8]) -> &mut Self {
        match u8::try_from(bytes.len()) {
            Ok(length) => self.put(&[0xc4, length]).put(bytes),
            Err(_) => {
                self.fits = false;
                self
            }
        }
    }

    /// An integer, in its shortest form.
    pub fn int(&mut self, number: i64) -> &mut Self {
        if let Ok(small) = u8::try_from(number) {
            return if small < 0x80 { self.put(&[small]) } else { self.put(&[0xcc, small]) };
        }
        if let Ok(number) = u16::try_from(number) {
            return self.put(&[0xcd]).put(&number.to_be_bytes());
        }
        if let Ok(number) = u32::try_from(number) {
            return self.put(&[0xce]).put(&number.to_be_bytes());
        }
        match i8::try_from(number) {
            Ok(small @ -32..=-1) => self.put(&small.to_be_bytes()),
            _ => self.put(&[0xd3]).put(&number.to_be_bytes()),
        }
    }

    /// True or false.
    pub fn bool(&mut self, truth: bool) -> &mut Self {
        self.put(&[0xc2 | u8::from(truth)])
    }

    /// Nothing.
    pub fn nil(&mut self) -> &mut Self {
        self.put(&[0xc0])
    }

    /// How many bytes were written.
    ///
    /// # Errors
    /// [`Malformed`] when they did not all fit.
    pub const fn finish(&self) -> Result<usize, Malformed> {
        if self.fits { Ok(self.used) } else { Err(Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn numbers_survive_in_their_shortest_form() {
        let lengths = [
            (0, 1),
            (127, 1),
            (128, 2),
            (255, 2),
            (256, 3),
            (65_535, 3),
            (65_536, 5),
            (i64::from(u32::MAX), 5),
            (i64::from(u32::MAX) + 1, 9),
            (i64::MAX, 9),
            (-1, 1),
            (-32, 1),
            (-33, 9),
            (i64::MIN, 9),
        ];
        for (number, length) in lengths {
            let mut out = [0; 16];
            let written = Writer::new(&mut out).int(number).finish().unwrap();
            assert_eq!(written, length, "{number}");
            let mut reader = Reader::new(&out[..written]);
            assert_eq!((reader.value(), reader.is_at_end()), (Ok(Value::Int(number)), true));
        }
    }

    #[test]
    fn every_marker_is_read_or_refused_and_never_past_the_end() {
        for marker in 0..=255_u8 {
            for length in 0..12 {
                let mut message = vec![marker];
                message.resize(1 + length, 0);
                let mut reader = Reader::new(&message);
                let _any = reader.raw();
                assert!(reader.rest.len() <= length);
            }
        }
    }

    #[test]
    fn coercions_are_those_of_the_other_side() {
        let text = |text| Value::Str(text).integer();
        assert_eq!((text("3"), text(" -4 "), text("3.5"), text("")), (Ok(3), Ok(-4), Err(Malformed), Err(Malformed)));
        assert_eq!((text("3.0"), text("inf"), text("nan")), (Ok(3), Err(Malformed), Err(Malformed)));
        assert_eq!(Value::Float(4.0).integer(), Ok(4));
        assert_eq!(Value::Float(4.5).integer(), Err(Malformed));
        assert_eq!(Value::Float(f64::NAN).integer(), Err(Malformed));
        assert_eq!(Value::Float(1e300).integer(), Err(Malformed));
        assert_eq!(Value::Nil.integer(), Err(Malformed));
        assert_eq!((Value::Str("Yes").truth(), Value::Int(0).truth()), (Ok(true), Ok(false)));
        assert_eq!((Value::Int(2).truth(), Value::Nil.truth()), (Err(Malformed), Err(Malformed)));
    }

    #[test]
    fn depth_and_number_have_a_limit() {
        let nested = |depth: usize| {
            let mut message = vec![0x91; depth];
            message.push(0xc0);
            message
        };
        assert!(Reader::new(&nested(NESTING)).raw().is_ok());
        assert!(Reader::new(&nested(NESTING + 1)).raw().is_err());
        let mut wide: Vec<u8> = vec![0xdd];
        wide.extend_from_slice(&(VALUES as u32).to_be_bytes());
        wide.resize(wide.len() + VALUES, 0xc0);
        assert!(Reader::new(&wide).raw().is_err());
        // A length that nothing follows costs nothing.
        assert!(Reader::new(&[0xdf, 0xff, 0xff, 0xff, 0xff]).raw().is_err());
    }

    #[test]
    fn keys_are_text() {
        assert!(Reader::new(&[0x81, 0xa1, b'k', 0x01]).raw().is_ok());
        assert!(Reader::new(&[0x81, 0x01, 0x01]).raw().is_err());
        assert!(Reader::new(&[0x91, 0x81, 0xc4, 0x01, b'k', 0x01]).raw().is_err());
        assert!(Reader::new(&[0xa1, 0xff]).raw().is_err(), "no UTF-8");
    }
}
