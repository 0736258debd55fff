//! Randomness of the system, for keys and numbers.

use crate::home::hex;

/// A seed for a protocol machine.
///
/// # Errors
/// One line when the system gives no randomness; nothing works without it.
pub(crate) fn fresh() -> Result<[u8; 32], String> {
    let mut seed = [0; 32];
    fill(&mut seed)?;
    Ok(seed)
}

fn fill(bytes: &mut [u8]) -> Result<(), String> {
    getrandom::fill(bytes).map_err(|error| format!("the system gives no random numbers: {error}"))
}

/// Names an operation.
///
/// # Errors
/// As [`fresh`].
pub(crate) fn operation() -> Result<[u8; 16], String> {
    let mut id = [0; 16];
    fill(&mut id)?;
    Ok(id)
}

/// Eight hex digits that name a session in lists and logs. They guard nothing.
pub(crate) fn session_number() -> String {
    let mut bytes = [0; 4];
    if fill(&mut bytes).is_err() {
        tracing::error!("the system gives no random numbers");
    }
    hex::encode(&bytes)
}

/// A pairing code of six digits, each as likely as any other.
///
/// # Errors
/// One line when the system gives no randomness.
pub fn pairing_code() -> Result<String, String> {
    // The largest multiple of a million below 2³²: numbers from there on would favour the low codes.
    const FAIR: u32 = 4_294_000_000;
    loop {
        let mut bytes = [0; 4];
        fill(&mut bytes)?;
        let number = u32::from_le_bytes(bytes);
        if number < FAIR {
            return Ok(format!("{:06}", number % 1_000_000));
        }
    }
}

/// A pairing code of eighteen digits, for a pairing of version 1: its code can be searched by whoever asks for it, and six
/// digits are found in seconds.
///
/// # Errors
/// As [`pairing_code`].
pub fn long_pairing_code() -> Result<String, String> {
    Ok([pairing_code()?, pairing_code()?, pairing_code()?].join("-"))
}

/// The code that a person means. Whoever reads six or eighteen digits off a screen writes them with spaces or dashes of
/// their own, and a code counts byte for byte; any other text is left as it is.
#[must_use]
pub fn written_code(text: &str) -> String {
    let is_gap = |character: &char| character.is_whitespace() || *character == '-';
    let digits: String = text.chars().filter(|character| !is_gap(character)).collect();
    match digits.len() {
        _ if !digits.bytes().all(|byte| byte.is_ascii_digit()) => text.to_owned(),
        6 => digits,
        18 => [&digits[..6], &digits[6..12], &digits[12..]].join("-"),
        _ => text.to_owned(),
    }
}

/// 32 random bytes as hexadecimal digits, for what opens a door of this machine to whoever knows it.
///
/// # Errors
/// As [`pairing_code`].
pub fn token() -> Result<String, String> {
    Ok(hex::encode(&fresh()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_meant_however_its_digits_are_grouped_and_no_other_text_is_changed() {
        for written in ["123456", "123 456", "123-456", " 123\u{a0}456\n", "12-34-56", "1 2 3 4 5 6"] {
            assert_eq!(written_code(written), "123456", "{written:?}");
        }
        let long = "123456-789012-345678";
        for written in [long, "123456789012345678", "123456 789012 345678", "123 456 789 012 345 678"] {
            assert_eq!(written_code(written), long, "{written:?}");
        }
        for other in ["", " ", "-", "12345", "1234-567", "my code", "123 45x", "١٢٣٤٥٦"] {
            assert_eq!(written_code(other), other, "{other:?}");
        }
        for code in [pairing_code().unwrap(), long_pairing_code().unwrap()] {
            assert_eq!(written_code(&code), code, "what a host shows is what it means");
        }
    }
}
