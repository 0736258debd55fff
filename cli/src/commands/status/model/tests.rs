use opendesk_std::host::Status;

use super::*;
use crate::commands::status::seen::examples::{asking, at_rest, control, driven, question, running};

const START: Duration = Duration::from_secs(100);

/// So many milliseconds after the start.
const fn at(ms: u64) -> Duration {
    START.saturating_add(Duration::from_millis(ms))
}

fn press(model: &mut Model, letter: char, ms: u64) -> Option<Order> {
    model.key(KeyCode::Char(letter).into(), at(ms))
}

/// Draws the chosen question as a screen with so many rows would, when it has so many lines.
fn draw(model: &mut Model, rows: usize, total: usize, ms: u64) {
    let shown = model.chosen().map(|(_, question)| question.number).map(|number| {
        let rows = rows.min(total);
        Shown { number, first: model.scroll().min(total - rows), rows, total }
    });
    model.drawn(shown, at(ms));
}

fn see(status: Status) -> Model {
    let mut model = Model::default();
    model.look(Ok(running(status)));
    model
}

/// A model with these questions, the first of which was drawn whole at the start.
fn asked(numbers: &[u64]) -> Model {
    let mut model = see(asking(numbers.iter().map(|number| question(*number, "uname")).collect()));
    draw(&mut model, 5, 5, 0);
    model
}

fn chosen(model: &Model) -> Option<u64> {
    model.chosen().map(|(_, question)| question.number)
}

fn message(model: &Model) -> &str {
    model.message().map_or("", |(text, _)| text)
}

#[test]
fn an_answer_carries_the_number_of_the_question_on_the_screen() {
    let mut model = asked(&[7, 8]);
    assert_eq!(press(&mut model, 'a', 600), Some(Order::Decide { number: 7, allow: true }));
    draw(&mut model, 5, 5, 601);
    assert_eq!(press(&mut model, 'd', 602), Some(Order::Decide { number: 8, allow: false }));
    draw(&mut model, 5, 5, 603);
    assert_eq!(press(&mut model, 'a', 5000), None);
    assert_eq!(message(&model), "nothing waits for an answer");
}

#[test]
fn a_question_that_has_just_appeared_is_not_allowed_by_a_key_meant_for_another() {
    let mut model = asked(&[7]);
    assert_eq!(press(&mut model, 'a', 499), None);
    assert!(message(&model).starts_with("not allowed: the question has just appeared"));
    let mut model = asked(&[7]);
    assert_eq!(press(&mut model, 'a', 500), Some(Order::Decide { number: 7, allow: true }));
    // The owner reads 7, which is answered elsewhere: 8 takes its place in the moment of the key.
    let mut model = asked(&[7, 8]);
    model.look(Ok(running(asking(vec![question(8, "rm -rf ~")]))));
    assert_eq!(press(&mut model, 'a', 3000), None, "it is not even on the screen");
    draw(&mut model, 5, 5, 3000);
    assert_eq!(press(&mut model, 'j', 3100), None);
    assert_eq!(press(&mut model, 'a', 3499), None);
    assert_eq!(press(&mut model, 'j', 3500), None);
    assert_eq!(press(&mut model, 'a', 3500), Some(Order::Decide { number: 8, allow: true }));
}

#[test]
fn a_key_that_came_before_the_question_was_drawn_does_not_count_however_late_it_is_read() {
    let mut model = asked(&[7]);
    draw(&mut model, 5, 5, 9000);
    assert_eq!(model.key(KeyCode::Char('a').into(), Duration::ZERO), None);
}

#[test]
fn a_key_that_is_held_down_allows_one_question() {
    let mut model = asked(&[1, 2, 3]);
    assert_eq!(press(&mut model, 'a', 1000), Some(Order::Decide { number: 1, allow: true }));
    draw(&mut model, 5, 5, 1001);
    // Keys repeat after up to 660 ms, then every 30 ms or so.
    for ms in (1660..10_000).step_by(30) {
        assert_eq!(press(&mut model, 'a', ms), None, "{ms}");
    }
    assert_eq!(press(&mut model, 'a', 11_000), Some(Order::Decide { number: 2, allow: true }));
}

#[test]
fn a_question_is_allowed_once_its_end_was_on_the_screen() {
    let mut model = see(asking(vec![question(7, "long")]));
    draw(&mut model, 5, 12, 0);
    assert_eq!(press(&mut model, 'a', 1000), None);
    assert!(message(&model).contains("PageDown"), "{}", message(&model));
    for (ms, first) in [(1100, 4), (1200, 7), (1300, 7)] {
        assert_eq!(model.key(KeyCode::PageDown.into(), at(ms)), None);
        assert_eq!(model.scroll(), first);
        draw(&mut model, 5, 12, ms);
    }
    assert_eq!(model.key(KeyCode::Home.into(), at(1400)), None);
    draw(&mut model, 5, 12, 1400);
    assert_eq!(model.scroll(), 0);
    assert_eq!(press(&mut model, 'a', 1500), Some(Order::Decide { number: 7, allow: true }));
    // It may be denied at once.
    let mut model = see(asking(vec![question(7, "long")]));
    draw(&mut model, 5, 12, 0);
    assert_eq!(press(&mut model, 'd', 1), Some(Order::Decide { number: 7, allow: false }));
}

#[test]
fn a_question_for_which_there_is_no_room_is_not_answered() {
    let mut model = see(asking(vec![question(7, "uname")]));
    draw(&mut model, 0, 5, 0);
    assert_eq!((press(&mut model, 'a', 5000), press(&mut model, 'd', 5000)), (None, None));
    assert!(message(&model).contains("make the terminal larger"), "{}", message(&model));
}

#[test]
fn questions_are_chosen_and_the_choice_is_kept_while_it_waits() {
    let mut model = asked(&[1, 2, 3]);
    assert_eq!(chosen(&model), Some(1));
    model.key(KeyCode::Down.into(), at(0));
    press(&mut model, 'j', 0);
    press(&mut model, 'j', 0);
    assert_eq!(chosen(&model), Some(3));
    press(&mut model, 'k', 0);
    assert_eq!(chosen(&model), Some(2));
    model.look(Ok(running(asking(vec![question(2, "uname"), question(3, "uname"), question(4, "uname")]))));
    assert_eq!(chosen(&model), Some(2));
    model.look(Ok(running(asking(vec![question(1, "uname"), question(4, "uname")]))));
    assert_eq!(chosen(&model), Some(4));
    model.look(Ok(running(asking(vec![question(1, "uname")]))));
    assert_eq!(chosen(&model), Some(1));
    model.look(Ok(running(driven())));
    assert_eq!(chosen(&model), None);
}

#[test]
fn an_answer_that_did_not_arrive_brings_the_question_back() {
    let mut model = asked(&[7]);
    let order = press(&mut model, 'a', 1000).unwrap();
    assert_eq!(chosen(&model), None);
    model.look(Ok(running(asking(vec![question(7, "uname")]))));
    assert_eq!(chosen(&model), None, "the host has not heard of it yet");
    model.done(order, Err("the host has stopped".to_owned()), at(1100));
    assert_eq!(chosen(&model), Some(7));
    assert_eq!(message(&model), "the host has stopped");
}

#[test]
fn questions_of_another_host_are_others() {
    let mut model = asked(&[7]);
    model.look(Ok(running(Status { pid: 4712, ..asking(vec![question(7, "rm -rf ~")]) })));
    assert_eq!(chosen(&model), Some(7));
    assert_eq!(press(&mut model, 'a', 5000), None);
    draw(&mut model, 5, 5, 5000);
    assert_eq!(press(&mut model, 'a', 5499), None);
}

#[test]
fn stopping_asks_once() {
    let mut model = see(driven());
    assert_eq!(press(&mut model, 's', 0), None);
    assert_eq!(message(&model), "press s again to stop all controllers");
    assert_eq!(press(&mut model, 's', 5000), Some(Order::Set(Mode::Stopped)));
    assert_eq!(press(&mut model, 's', 5001), None, "it begins anew");
    assert_eq!(press(&mut model, 'j', 5002), None);
    assert_eq!(press(&mut model, 's', 5003), None, "another key came between");
    assert_eq!(press(&mut model, 's', 10_004), None, "that was too late");
    assert_eq!(press(&mut model, 'S', 10_005), Some(Order::Set(Mode::Stopped)));
}

#[test]
fn stopping_and_letting_go_on_need_no_host() {
    let mut model = Model::default();
    model.look(Ok(at_rest(control(Mode::Stopped, ""))));
    assert_eq!(press(&mut model, 'r', 0), Some(Order::Set(Mode::Running)));
    assert_eq!(press(&mut model, 's', 0), None);
    assert_eq!(press(&mut model, 's', 1), Some(Order::Set(Mode::Stopped)));
}

#[test]
fn the_other_keys_do_what_the_foot_says_and_only_they() {
    let mut model = see(driven());
    assert_eq!(press(&mut model, 'x', 0), Some(Order::Disconnect));
    assert_eq!(press(&mut model, 'q', 0), Some(Order::Quit));
    assert_eq!(model.key(KeyCode::Esc.into(), at(0)), Some(Order::Quit));
    let with = |letter, modifiers| KeyEvent::new(KeyCode::Char(letter), modifiers);
    assert_eq!(model.key(with('c', KeyModifiers::CONTROL), at(0)), Some(Order::Quit));
    assert_eq!(model.key(with('l', KeyModifiers::CONTROL), at(0)), Some(Order::Redraw));
    let mut model = asked(&[7]);
    for modifiers in [KeyModifiers::CONTROL, KeyModifiers::ALT, KeyModifiers::SUPER] {
        assert_eq!(model.key(with('a', modifiers), at(5000)), None, "{modifiers:?}");
    }
    let released = KeyEvent { kind: KeyEventKind::Release, ..KeyCode::Char('a').into() };
    assert_eq!(model.key(released, at(5000)), None);
    assert_eq!(chosen(&model), Some(7));
}

#[test]
fn a_message_goes_after_a_while() {
    let mut model = see(driven());
    model.done(Order::Disconnect, Ok("done".to_owned()), at(0));
    model.tick(at(7999));
    assert_eq!(message(&model), "done");
    model.tick(at(8001));
    assert_eq!(message(&model), "");
}
