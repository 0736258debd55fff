//! What is kept of what a command says.

/// What is kept of each stream of output, in bytes: the answer is in memory, more than once, on both machines.
pub(super) const MAX_OUTPUT: usize = 1 << 20;

/// The beginning of a stream, and how much more there was.
#[derive(Debug, Default)]
pub(super) struct Kept {
    bytes: Vec<u8>,
    /// Bytes that came after those.
    lost: u64,
}

impl Kept {
    pub(super) fn keep(&mut self, bytes: &[u8]) {
        let (kept, lost) = bytes.split_at(bytes.len().min(MAX_OUTPUT - self.bytes.len()));
        self.bytes.extend_from_slice(kept);
        self.lost += lost.len() as u64;
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.lost > 0 {
            self.bytes.extend_from_slice(format!("\n[opendesk: {} bytes more were not kept]\n", self.lost).as_bytes());
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_kept_up_to_its_limit_and_what_is_missing_is_said() {
        for (length, lost) in [(0, 0), (MAX_OUTPUT, 0), (MAX_OUTPUT + 1, 1), (3 * MAX_OUTPUT, 2 * MAX_OUTPUT)] {
            let mut output = Kept::default();
            for chunk in vec![b'x'; length].chunks((64 << 10) - 1) {
                output.keep(chunk);
            }
            let mut expected = vec![b'x'; length - lost];
            if lost > 0 {
                expected.extend(format!("\n[opendesk: {lost} bytes more were not kept]\n").bytes());
            }
            assert!(output.finish() == expected, "{length}");
        }
    }
}
