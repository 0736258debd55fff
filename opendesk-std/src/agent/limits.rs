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

/// What a run has used, as the endpoint tells it. What it does not tell is estimated, rather too large: a token for each four
/// bytes of the request, 5,000 for each of its pictures, and as many of the answer as it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Requests that were answered, or may have been.
    pub steps: u32,
    /// Tokens that the model read, those of a cache included.
    pub input: u64,
    /// Of these, tokens from a cache.
    pub cached: u64,
    /// Of these, tokens that were put into a cache.
    pub written: u64,
    /// Tokens that it wrote.
    pub output: u64,
    /// Answers that did not tell all of it, so that the rest is estimated.
    pub untold: u32,
    /// Requests that reached the endpoint and were not answered, of which all is estimated: it may cost as if they had been.
    pub unanswered: u32,
}

/// What an answer tells of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Told {
    /// Those of a cache included.
    pub(super) input: Option<u64>,
    pub(super) cached: u64,
    pub(super) written: u64,
    pub(super) output: Option<u64>,
}

/// What a request and its answer may have, where nobody tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Estimate {
    pub(super) input: u64,
    pub(super) output: u64,
}

impl Estimate {
    /// A token for each four bytes, rounded up, and the longest answer.
    pub(super) fn of(request_bytes: usize, max_tokens: u32) -> Self {
        let input = u64::try_from(request_bytes.div_ceil(4)).unwrap_or(u64::MAX);
        Self { input, output: max_tokens.into() }
    }
}

impl Usage {
    /// A request was answered.
    pub(super) fn add(&mut self, told: Told, estimate: Estimate) {
        self.steps = self.steps.saturating_add(1);
        if told.input.is_none() || told.output.is_none() {
            self.untold = self.untold.saturating_add(1);
        }
        let input = told.input.unwrap_or_else(|| estimate.input.max(told.cached.saturating_add(told.written)));
        self.input = self.input.saturating_add(input);
        self.cached = self.cached.saturating_add(told.cached);
        self.written = self.written.saturating_add(told.written);
        self.output = self.output.saturating_add(told.output.unwrap_or(estimate.output));
    }

    /// A request was sent and not answered: it may have been read, and answered at full length.
    pub(super) fn lost(&mut self, estimate: Estimate) {
        self.steps = self.steps.saturating_add(1);
        self.unanswered = self.unanswered.saturating_add(1);
        self.input = self.input.saturating_add(estimate.input);
        self.output = self.output.saturating_add(estimate.output);
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
        let estimate = Estimate::of(4_001, 500);
        let told = Told { input: Some(1_000_000), cached: 500_000, written: 400_000, output: Some(200_000) };
        usage.add(told, estimate);
        let prices = Prices { input: 3.0, output: 15.0 };
        let cost = usage.cost(prices);
        assert!((cost - (3.3 + 3.0)).abs() < 1e-9, "{cost}");
        for (told, input, output) in [
            (Told::default(), 1_001, 500),
            (Told { output: Some(7), ..Told::default() }, 1_001, 7),
            (Told { input: Some(9), ..Told::default() }, 9, 500),
            (Told { cached: 2_000, written: 1, output: Some(7), ..Told::default() }, 2_001, 7),
        ] {
            let mut usage = Usage::default();
            usage.add(told, estimate);
            let seen = (usage.input, usage.output, usage.steps, usage.untold, usage.unanswered);
            assert_eq!(seen, (input, output, 1, 1, 0), "{told:?}");
        }
        let before = usage;
        usage.lost(estimate);
        assert_eq!((usage.steps, usage.untold, usage.unanswered), (2, 0, 1));
        assert_eq!((usage.input - before.input, usage.output - before.output), (1_001, 500));
    }
}
