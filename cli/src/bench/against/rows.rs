//! What both programs are measured at, and how it is shown.

use serde_json::{Value, json};

/// Calls in flight at once: as many as either program takes.
pub(super) const CALLS: usize = 64;

/// Bytes of the file that is read.
pub(super) const FILE_BYTES: u64 = 64 * 1024 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    Connect,
    Unary,
    InFlight,
    Read,
    Cursor,
    Pointer,
    Capture,
}

pub(super) struct Row {
    pub(super) work: Work,
    /// What `peer.py` calls it.
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    /// How often it is done, for each of the rounds.
    pub(super) times: usize,
    /// Whether the package needs an X server for it.
    pub(super) desktop: bool,
}

pub(super) static ROWS: [Row; 7] = [
    row(Work::Connect, "connect", "connect, from TCP to the open session", 20, false),
    row(Work::Unary, "unary", "round trip, system.capabilities", 300, false),
    row(Work::InFlight, "in_flight", "64 calls in flight, system.capabilities", 20, false),
    row(Work::Read, "read", "fs.read of 64 MiB", 3, false),
    row(Work::Cursor, "cursor", "round trip, display.cursor_position", 300, true),
    row(Work::Pointer, "pointer", "a move of the pointer, input.pointer", 10, true),
    row(Work::Capture, "capture", "picture of the desktop, PNG, full size", 7, true),
];

/// What both MCP servers are measured at by the same client.
pub(super) static MCP_ROWS: [Row; 2] = [
    row(Work::Connect, "mcp_start", "mcp: from start to initialize answered", 3, false),
    row(Work::Capture, "mcp_screenshot", "mcp: screenshot of this machine", 7, true),
];

const fn row(work: Work, name: &'static str, what: &'static str, times: usize, desktop: bool) -> Row {
    Row { work, name, what, times, desktop }
}

impl Work {
    /// A median in the unit that people compare it in.
    fn shown(self, us: f64) -> String {
        let per_second = |count: f64| count * 1e6 / us;
        match self {
            Self::InFlight => format!("{:.0} calls/s", per_second(CALLS as f64)),
            Self::Read => format!("{:.0} MiB/s", per_second(FILE_BYTES as f64 / 1024.0 / 1024.0)),
            _ if us < 1000.0 => format!("{us:.1} us"),
            _ => format!("{:.2} ms", us / 1000.0),
        }
    }
}

/// One row with both medians, in microseconds.
pub(super) struct Measured {
    pub(super) row: &'static Row,
    pub(super) ours_us: f64,
    pub(super) theirs_us: f64,
    pub(super) rounds: usize,
}

impl Measured {
    /// How many times faster ours is.
    fn ratio(&self) -> f64 {
        self.theirs_us / self.ours_us
    }
}

/// Both programs side by side.
pub(super) struct Comparison {
    /// The package's version.
    pub(super) version: String,
    pub(super) rows: Vec<Measured>,
    pub(super) notes: Vec<String>,
}

impl Comparison {
    pub(super) fn json(&self) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|measured| {
                json!({
                    "what": measured.row.what,
                    "name": measured.row.name,
                    "median_us": measured.ours_us,
                    "python_median_us": measured.theirs_us,
                    "rounds": measured.rounds,
                    "ratio": measured.ratio(),
                })
            })
            .collect();
        json!({"python_package": self.version, "rows": rows, "notes": self.notes})
    }

    pub(super) fn table(&self) -> String {
        let python = format!("python {}", self.version);
        let mut lines = vec![format!("{:<42} {:>15} {python:>15}  faster", "medians", "opendesk")];
        lines.extend(self.rows.iter().map(|measured| {
            let shown = |us| measured.row.work.shown(us);
            let (ours, theirs) = (shown(measured.ours_us), shown(measured.theirs_us));
            format!("{:<42} {ours:>15} {theirs:>15}  {:.2} x", measured.row.what, measured.ratio())
        }));
        lines.extend(self.notes.iter().cloned());
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_over_one_means_that_ours_is_faster() {
        let rows = vec![Measured { row: &ROWS[2], ours_us: 1000.0, theirs_us: 4000.0, rounds: 1 }];
        let table = Comparison { version: "0.3.0".into(), rows, notes: vec!["a note".into()] }.table();
        assert!(table.contains("64000 calls/s   16000 calls/s  4.00 x\na note"), "{table}");
    }

    #[test]
    fn times_have_the_unit_that_fits_them() {
        assert_eq!(Work::Unary.shown(12.34), "12.3 us");
        assert_eq!(Work::Connect.shown(2500.0), "2.50 ms");
        assert_eq!(Work::Read.shown(500_000.0), "128 MiB/s");
    }

    #[test]
    fn every_row_is_one_of_the_embedded_script() {
        let script = include_str!("peer.py");
        for row in &ROWS {
            assert!(script.contains(&format!("async def {}(self, rounds: int)", row.name)), "{}", row.name);
        }
    }
}
