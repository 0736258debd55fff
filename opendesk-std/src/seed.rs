//! Randomness of the system, for keys and numbers.

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
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
