//! Keys and digests as hexadecimal text.

const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];

/// Two lower-case digits a byte.
pub(crate) fn encode(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect()
}

/// A 32-byte key from exactly 64 digits of either case.
pub(crate) fn decode_key(text: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    if text.len() != 2 * key.len() {
        return None;
    }
    for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = (nibble(digits[0])? << 4) | nibble(digits[1])?;
    }
    Some(key)
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_the_round_trip() {
        let key: [u8; 32] = core::array::from_fn(|index| (index * 37 % 256) as u8);
        let text = encode(&key);
        assert_eq!(text.len(), 64);
        assert_eq!(decode_key(&text), Some(key));
        assert_eq!(decode_key(&text.to_uppercase()), Some(key));
    }

    #[test]
    fn anything_but_sixty_four_digits_is_no_key() {
        for text in ["", "00", &"0".repeat(63), &"0".repeat(65), &format!("+{}", "0".repeat(63)), &"é".repeat(32)] {
            assert_eq!(decode_key(text), None, "{text}");
        }
    }
}
