//! What a run may take, and what it has taken.

/// Prices of a million tokens, in whatever currency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prices {
    /// Of what the model reads.
    pub input: f64,
    /// Of what it writes.
    pub output: f64,
}

/// Where a run ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Requests.
    pub steps: u32,
    /// What may be spent, at these prices.
    pub cost: Option<f64>,
    /// Prices; without them nothing is known of cost.
    pub prices: Option<Prices>,
}

/// What a run has used, as the endpoint tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Requests that were answered.
    pub steps: u32,
    /// Tokens that the model read, those of a cache included.
    pub input: u64,
    /// Of these, tokens from a cache.
    pub cached: u64,
    /// Of these, tokens that were put into a cache.
    pub written: u64,
    /// Tokens that it wrote.
    pub output: u64,
    /// Answers that told none of it.
    pub untold: u32,
    /// Requests that nobody answered. What they may have cost is in the other numbers, as a guess that is rather too large.
    pub unanswered: u32,
}

impl Usage {
    pub(super) fn add(&mut self, told: Option<Self>) {
        self.steps += 1;
        let Some(told) = told else {
            self.untold += 1;
            return;
        };
        self.input = self.input.saturating_add(told.input);
        self.cached = self.cached.saturating_add(told.cached);
        self.written = self.written.saturating_add(told.written);
        self.output = self.output.saturating_add(told.output);
    }

    /// A request was sent and not answered: it may have been read, and answered at full length.
    pub(super) fn lost(&mut self, read: u64, most_written: u32) {
        self.unanswered += 1;
        self.input = self.input.saturating_add(read);
        self.output = self.output.saturating_add(most_written.into());
    }

    /// What it costs at most: tokens from a cache count as all others, which they never cost more than, and those that are
    /// put into one a quarter more.
    #[must_use]
    pub fn cost(&self, prices: Prices) -> f64 {
        let read = self.input as f64 + self.written as f64 / 4.0;
        (read * prices.input + self.output as f64 * prices.output) / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_never_told_too_small() {
        let mut usage = Usage::default();
        usage.add(Some(Usage {
            input: 1_000_000,
            cached: 500_000,
            written: 400_000,
            output: 200_000,
            ..Usage::default()
        }));
        usage.add(None);
        let cost = usage.cost(Prices { input: 3.0, output: 15.0 });
        assert!((cost - (3.3 + 3.0)).abs() < 1e-9, "{cost}");
        assert_eq!((usage.steps, usage.untold), (2, 1));
    }
}
