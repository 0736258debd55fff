//! The report for a person: one screen of text.

use opendesk_std::home::printable;
use opendesk_std::host::Status;

use super::seen::Seen;
use super::times::Times;
use super::words;

/// The last calls that are told of.
const CALLS: usize = 8;

pub(super) fn report(seen: &Seen, times: &Times) -> String {
    let mut lines = Vec::new();
    let mut say = |what: &str, said: &str| lines.push(format!("{what:<10}{said}"));
    let control = words::control(seen, times).0;
    let rules = words::rules(seen).map(|(line, _)| line);
    match &seen.host {
        None => {
            say("host", "none runs with this home directory; `opendesk serve` starts one");
            say("control", &control);
            rules.iter().for_each(|rules| say("policy", rules));
        }
        Some(status) => {
            say("host", &words::host(status));
            say("program", &format!("version {}, process {}", printable(&status.version), status.pid));
            say("control", &control);
            rules.iter().for_each(|rules| say("policy", rules));
            say("session", &words::sessions(&status.sessions, times));
            say("pairing", &words::pairing(status.pairing_for).0);
            say("log", &words::audit(&status.audit).0);
        }
    }
    say("paired", &words::peers(&seen.peers).0);
    if let Some(status) = &seen.host {
        lines.extend(questions(status, times));
        lines.extend(calls(status, times));
    }
    lines.join("\n")
}

fn questions(status: &Status, times: &Times) -> Vec<String> {
    let mut lines = Vec::new();
    for question in &status.questions {
        let left = times.left_until(question.asked_at + question.within as f64);
        let (peer, method) = (printable(&question.peer), printable(&question.method));
        let number = question.number;
        lines.push(format!("waits     question {number}: {peer} asks for {method}, {left} s left"));
    }
    if !lines.is_empty() {
        let advice =
            "          `opendesk status --watch` shows all of it and answers; so do `opendesk approve` and `deny`";
        lines.push(advice.to_owned());
    }
    lines
}

fn calls(status: &Status, times: &Times) -> Vec<String> {
    let last = status.recent.iter().rev().take(CALLS).map(|call| {
        let [peer, method, summary, outcome] =
            [&call.peer, &call.method, &call.summary, &call.outcome].map(|text| printable(text));
        format!("{}  {peer}  {method}  {summary}  {outcome}", times.clock(call.at))
    });
    let mut label = "calls";
    let labelled = last.map(|line| format!("{:<10}{line}", core::mem::take(&mut label)));
    labelled.collect()
}

#[cfg(test)]
mod tests {
    use opendesk_std::govern::control::{Control, Mode};

    use super::super::seen::examples::{self, NOON};
    use super::*;

    #[test]
    fn a_host_that_runs_is_reported_on_one_screen() {
        let status = examples::asking(vec![examples::question(3, "uname -a")]);
        let said = report(&examples::running(status), &Times::utc(NOON));
        let expected = "\
host      0.0.0.0:8423, desktop x11, approve policy, a4e0:9292:b651:c278
program   version 0.1.0, process 4711
control   controllers may act
session   anna drives from 10.0.0.7:51234 since 11:57:00 (3 min)
pairing   no code is shown
log       12 entries since the host started
paired    2 machines
waits     question 3: anna asks for process.shell, 50 s left
          `opendesk status --watch` shows all of it and answers; so do `opendesk approve` and `deny`
calls     11:59:58  anna  input.key  about input.key  permission_denied
          11:59:55  anna  display.capture  about display.capture  ok";
        assert_eq!(said, expected);
    }

    #[test]
    fn without_a_host_the_switch_and_the_number_of_peers_are_told() {
        let said = report(&examples::at_rest(examples::control(Mode::Stopped, "lunch")), &Times::utc(NOON));
        let expected = "\
host      none runs with this home directory; `opendesk serve` starts one
control   STOPPED since 11:58:30 (90 s): lunch
paired    2 machines";
        assert_eq!(said, expected);
    }

    #[test]
    fn rules_that_cannot_be_read_are_told_also_without_a_host() {
        let broken = Seen { policy_error: Some("no\nJSON".to_owned()), ..examples::at_rest(Control::default()) };
        let said = report(&broken, &Times::utc(NOON));
        assert_eq!(said.lines().nth(2), Some("policy    a host with --approve policy refuses every call: no\\nJSON"));
    }

    #[test]
    fn only_the_last_calls_are_told() {
        let mut status = examples::driven();
        status.recent =
            (0..64).map(|number| examples::call(64.0 - f64::from(number), &format!("m{number}"), "ok")).collect();
        let said = report(&examples::running(status), &Times::utc(NOON));
        assert!(said.contains("m63") && said.contains("m56") && !said.contains("m55"), "{said}");
        assert!(said.lines().count() <= 24, "{said}");
    }
}
