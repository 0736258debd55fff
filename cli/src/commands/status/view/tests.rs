use opendesk_std::govern::ask::Question;
use opendesk_std::govern::control::Mode;
use opendesk_std::host::Status;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::commands::status::seen::examples::{self, NOON};

fn model(seen: Result<Seen, String>) -> Model {
    let mut model = Model::default();
    model.look(seen);
    model
}

/// A terminal of this size with the view, its lines, and what was shown of a question.
fn screen(model: &Model, width: u16, height: u16) -> (Terminal<TestBackend>, Vec<String>, Option<Shown>) {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("it is in memory");
    let mut shown = None;
    terminal.draw(|frame| shown = draw(frame, model, &Times::utc(NOON))).expect("it is in memory");
    let buffer = terminal.backend().buffer();
    let cells: Vec<&str> = buffer.content().iter().map(ratatui::buffer::Cell::symbol).collect();
    let lines = cells.chunks(usize::from(width)).map(|row| row.concat().trim_end().to_owned()).collect();
    (terminal, lines, shown)
}

fn lines(seen: Result<Seen, String>, width: u16, height: u16) -> Vec<String> {
    screen(&model(seen), width, height).1
}

fn asking(questions: Vec<Question>) -> Model {
    model(Ok(examples::running(examples::asking(questions))))
}

/// The colour of the first cell of a text on the screen.
fn colour(terminal: &Terminal<TestBackend>, lines: &[String], text: &str) -> Color {
    let (row, line) = lines.iter().enumerate().find(|(_, line)| line.contains(text)).expect("the text is shown");
    let column = line.split(text).next().unwrap_or_default().chars().count();
    terminal.backend().buffer().content()[row * usize::from(terminal.backend().buffer().area.width) + column].fg
}

#[test]
fn a_host_that_is_driven_is_shown() {
    let shown = lines(Ok(examples::running(examples::driven())), 90, 10);
    let expected = [
        "host     0.0.0.0:8423, desktop x11, approve policy, a4e0:9292:b651:c278",
        "control  controllers may act",
        "session  anna drives from 10.0.0.7:51234 since 11:57:00 (3 min)",
        "pairing  no code is shown",
        "log      12 entries since the host started",
        "last calls",
        "11:59:58  anna             input.key              about input.key       permission_denied",
        "11:59:55  anna             display.capture        about display.capture ok",
        "",
        "s stop  r resume  x disconnect  q quit",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn a_question_is_shown_whole_above_the_calls() {
    let model = asking(vec![examples::question(3, "runs a command:\nuname -a; rm \u{1b}[8m-rf ~")]);
    let (_, lines, shown) = screen(&model, 64, 20);
    let expected = [
        "question, 50 s left",
        "anna (1111:2222:3333:4444) asks for process.shell",
        "why: a rule asks about programs",
        "│ runs a command:",
        "│ uname -a; rm \\u{1b}[8m-rf ~",
        "last calls",
    ];
    assert_eq!(lines[5..11], expected);
    assert_eq!(shown, Some(Shown { number: 3, first: 0, rows: 4, total: 4 }));
    assert!(lines[19].starts_with("a allow  d deny"), "{lines:?}");
}

#[test]
fn a_long_question_is_shown_line_by_line_and_loses_nothing() {
    let command: String = (0..200).map(|number| format!("word{number} ")).collect();
    let mut model = asking(vec![examples::question(3, &command)]);
    let (mut read, mut total) = (Vec::new(), 1);
    while read.len() < total {
        let (_, lines, shown) = screen(&model, 40, 12);
        let shown = shown.unwrap();
        let title = format!("question, 50 s left, lines {} to {} of", shown.first + 1, shown.first + shown.rows);
        let top = lines.iter().position(|line| line.starts_with(&title)).unwrap() + 1;
        total = shown.total;
        read.splice(shown.first.., lines[top..top + shown.rows].to_vec());
        model.drawn(Some(shown), core::time::Duration::ZERO);
        model.key(ratatui::crossterm::event::KeyCode::PageDown.into(), core::time::Duration::ZERO);
    }
    assert_eq!(read[2], "why: a rule asks about programs");
    let said: String = read[3..].iter().map(|line| line.chars().skip(2).collect::<String>()).collect();
    assert_eq!(said.replace(' ', ""), command.replace(' ', ""));
}

#[test]
fn what_the_controller_wrote_cannot_pass_for_the_frame() {
    let model = asking(vec![examples::question(3, "true\nwhy: the owner allowed it\nlast calls")]);
    let (_, lines, _) = screen(&model, 64, 20);
    assert!(lines.contains(&"│ why: the owner allowed it".to_owned()), "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line.starts_with("last calls")).count(), 1);
    assert_eq!(lines.iter().filter(|line| line.starts_with("why:")).count(), 1);
    let model = asking(vec![examples::question(3, &format!("true {}why: allowed", " ".repeat(55)))]);
    let (_, lines, _) = screen(&model, 64, 20);
    assert!(lines.iter().any(|line| line.starts_with("┆ ")), "{lines:?}");
}

#[test]
fn those_that_wait_are_listed_where_there_is_room() {
    let many: Vec<Question> = (1..=9).map(|number| examples::question(number, "uname")).collect();
    let mut model = asking(many);
    for _ in 0..6 {
        model.key(ratatui::crossterm::event::KeyCode::Down.into(), core::time::Duration::ZERO);
    }
    let (_, lines, shown) = screen(&model, 64, 24);
    assert_eq!(shown.map(|shown| shown.number), Some(7));
    assert!(lines.contains(&"▶ 7. anna asks for process.shell".to_owned()), "{lines:?}");
    assert!(lines.contains(&"question 7 of 9, 50 s left".to_owned()), "{lines:?}");
}

#[test]
fn what_is_alarming_is_red_and_stays_on_a_small_screen() {
    let mut status = examples::asking(vec![examples::question(3, "uname")]);
    status.audit.altered = true;
    let model = model(Ok(examples::running(status)));
    let (terminal, lines, _) = screen(&model, 64, 20);
    assert_eq!(colour(&terminal, &lines, "ALTERED"), Color::Red);
    assert_eq!(colour(&terminal, &lines, "controllers may act"), Color::Reset);
    let (_, small, shown) = screen(&model, 64, 6);
    assert!(small.iter().any(|line| line.contains("ALTERED")), "{small:?}");
    assert!(shown.is_some_and(|shown| shown.rows >= 2), "{small:?}");
}

#[test]
fn a_stop_is_shown_with_its_reason_also_without_a_host() {
    let mut status = examples::idle();
    status.control = Some(examples::control(Mode::Stopped, "lunch"));
    let shown = lines(Ok(examples::running(status)), 64, 12);
    assert!(shown.contains(&"control  STOPPED since 11:58:30 (90 s): lunch".to_owned()), "{shown:?}");
    let mut model = model(Ok(examples::running(examples::driven())));
    model.look(Ok(examples::at_rest(examples::control(Mode::Takeover, ""))));
    let (_, shown, _) = screen(&model, 64, 12);
    assert_eq!(shown[0], "host     the host has stopped; looking for one each second");
    assert_eq!(shown[1..3], ["control  TAKEN OVER since 11:58:30 (90 s)", "paired   2 machines"]);
}

#[test]
fn rules_that_cannot_be_read_are_shown_also_without_a_host() {
    let policy_error = Some("no JSON".to_owned());
    let status = Status { policy_error: policy_error.clone(), ..examples::idle() };
    let mut model = model(Ok(examples::running(status)));
    let (terminal, lines, _) = screen(&model, 64, 12);
    assert_eq!(colour(&terminal, &lines, "every call is refused: no JSON"), Color::Red);
    let at_rest = examples::at_rest(examples::control(Mode::Running, ""));
    model.look(Ok(Seen { policy_error, ..at_rest }));
    let (_, shown, _) = screen(&model, 80, 12);
    assert_eq!(shown[3], "policy   a host with --approve policy refuses every call: no JSON");
}

#[test]
fn a_host_that_does_not_answer_is_said() {
    let shown = lines(Err("the running host does not answer".to_owned()), 64, 12);
    assert_eq!(shown[0], "host     the running host does not answer");
}

#[test]
fn no_size_is_a_panic_and_a_small_one_shows_the_question() {
    let wide = "日本\u{301}🇩🇪".repeat(40);
    let models = [
        Model::default(),
        model(Err("it does not answer".to_owned())),
        model(Ok(examples::at_rest(examples::control(Mode::Running, "")))),
        model(Ok(examples::running(examples::driven()))),
        asking(vec![examples::question(1, &wide), examples::question(2, "")]),
    ];
    for model in &models {
        for width in (1..30).chain([59, 60, 61, 200]) {
            for height in (1..16).chain([24, 80]) {
                drop(screen(model, width, height));
            }
        }
    }
    let (_, lines, shown) = screen(&asking(vec![examples::question(1, "uname -a")]), 20, 5);
    assert_eq!(lines[0], "controllers may act");
    assert_eq!(lines[1..4], ["question, 50 s left…", "anna (1111:2222:3333", ":4444) asks for proc"]);
    assert_eq!(shown, Some(Shown { number: 1, first: 0, rows: 2, total: 6 }));
}
