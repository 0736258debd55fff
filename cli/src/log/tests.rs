//! Lines as they come out of events.

use std::sync::Arc;

use serde_json::Value;

use super::*;

/// What a hostile peer would call itself: colours, a line of its own, text that runs backwards, a line end of Unicode.
const HOSTILE: &str = "x\u{1b}[31m\u{9b}2J\r\nERROR opendesk: forged\u{202e}\u{2028}\u{7f}\0\ty";

/// Every line that `act` logs at `trace` and above.
fn logged(form: Form, act: impl FnOnce()) -> String {
    let text = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&text);
    let filter = Filter::new(3, None).expect("a filter");
    let log = Log::new(filter, form, move |line, _| kept.lock().expect("nobody panicked").push_str(line));
    tracing::subscriber::with_default(log, act);
    let text = text.lock().expect("nobody panicked");
    text.clone()
}

const HUMAN: Form = Form { is_json: false, is_timed: false };
const JSON: Form = Form { is_json: true, is_timed: true };

/// Each way in which a value can become a part of an event.
fn hostile_events() {
    let error = io::Error::other(HOSTILE);
    let error: &(dyn core::error::Error + 'static) = &error;
    tracing::warn!("{HOSTILE}");
    tracing::warn!(target: "opendesk_std::host", text = HOSTILE, "as a text");
    tracing::info!(name = %HOSTILE, "as it is shown");
    tracing::info!(name = ?HOSTILE, "as it is debugged");
    tracing::debug!(raw = ?Raw, "by a Debug that escapes nothing");
    tracing::error!(error, "as an error");
    tracing::trace!(list = ?[HOSTILE, HOSTILE]);
}

struct Raw;

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HOSTILE)
    }
}

fn is_clean(line: &str) -> bool {
    // What `printable` leaves is printable; that is tested where it is.
    printable(line) == line
}

#[test]
fn no_value_forges_a_line_or_reaches_the_terminal() {
    let text = logged(HUMAN, hostile_events);
    assert!(text.lines().all(is_clean), "{text:?}");
    assert_eq!(text.lines().count(), 7, "{text}");
    assert!(!text.lines().any(|line| line.starts_with("ERROR opendesk: forged")), "{text}");
    assert!(text.ends_with('\n'));
    let json = logged(JSON, hostile_events);
    assert!(json.lines().all(is_clean), "{json:?}");
    let lines: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 7);
    // Nor what a reader takes out of it.
    let texts = lines.iter().flat_map(|line| line["fields"].as_object().unwrap().values());
    assert!(texts.filter_map(Value::as_str).all(is_clean), "{json}");
    let shown = "x\\u{1b}[31m\\u{9b}2J\\r\\nERROR opendesk: forged\\u{202e}\\u{2028}\\u{7f}\\u{0}\\ty";
    assert_eq!((&lines[1]["fields"]["text"], &lines[1]["target"]), (&shown.into(), &"opendesk_std::host".into()));
}

#[test]
fn a_line_for_people_has_level_place_text_and_fields() {
    let text = logged(HUMAN, || {
        tracing::warn!(target: "opendesk_std::host", count = 3, share = 0.5, left = -1, so = true, "it happened");
        tracing::error!(target: "opendesk", peer = "Büro PC", fake = "a b=\"c\\", none = "", key = %"ab:cd", "again");
    });
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], " WARN opendesk_std::host: it happened count=3 share=0.5 left=-1 so=true");
    assert_eq!(lines[1], "ERROR opendesk: again peer=\"Büro PC\" fake=\"a b=\\\"c\\\\\" none=\"\" key=ab:cd");
}

#[test]
fn a_line_for_programs_is_an_object_with_the_time() {
    let text = logged(JSON, || tracing::info!(target: "opendesk", count = 3, name = %"a b", "it happened"));
    let mut line: Value = serde_json::from_str(&text).unwrap();
    let time = line["timestamp"].take();
    let time: jiff::Timestamp = time.as_str().unwrap().parse().unwrap();
    assert!(time.as_second() > 1_700_000_000 && time.as_second() < 10_000_000_000);
    let fields = serde_json::json!({"message": "it happened", "count": 3, "name": "a b"});
    let expected = serde_json::json!({"timestamp": null, "level": "INFO", "target": "opendesk", "fields": fields});
    assert_eq!(line, expected);
}

#[test]
fn lines_that_nobody_took_are_told_of_as_everything_else() {
    assert_eq!(HUMAN.missed(12, clock::wall()), " WARN opendesk: 12 lines were not shown\n");
    let line: Value = serde_json::from_str(&JSON.missed(1, clock::wall())).unwrap();
    assert_eq!((&line["level"], &line["fields"]["message"]), (&"WARN".into(), &"1 line was not shown".into()));
}

#[test]
fn a_long_value_is_cut_and_says_so() {
    let text = logged(HUMAN, || tracing::warn!(error = %"é".repeat(5000), "long"));
    assert!(text.ends_with("é… (904 more characters)\"\n"), "{}", text.len());
    assert!(text.chars().count() < 4300);
}

#[test]
fn spans_and_the_events_of_libraries_are_left_out() {
    let text = logged(HUMAN, || {
        let _inside = tracing::info_span!("opendesk span", typed = "secret").entered();
        tracing::debug!(target: "rmcp::service", request = "secret", "received request");
        tracing::error!(target: "zbus", "secret");
        tracing::debug!(target: "opendesk_tokio::mcp", "ours");
    });
    assert_eq!(text, "DEBUG opendesk_tokio::mcp: ours\n");
}

#[test]
fn a_file_that_takes_no_line_is_written_again_when_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("there/log");
    std::fs::create_dir(folder.path().join("there")).unwrap();
    let keeper = Keeper { file: Mutex::new((LogFile::open(&path, clock::wall()).unwrap(), false)) };
    keeper.write("one\n", clock::wall());
    std::fs::remove_dir_all(folder.path().join("there")).unwrap();
    keeper.write("shown on standard error\n", clock::wall());
    assert!(keeper.file.lock().unwrap().1);
    std::fs::create_dir(folder.path().join("there")).unwrap();
    keeper.write("two\n", clock::wall());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "two\n");
    assert!(!keeper.file.lock().unwrap().1);
}

#[test]
fn where_no_log_can_be_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    for (path, part) in [
        (folder.path().join("none/x.log"), "/none; create it, or choose another --log-file"),
        (folder.path().to_owned(), "; choose another --log-file"),
        (folder.path().join("none\n\u{1b}[0m/x.log"), "none\\n\\u{1b}[0m/x.log"),
    ] {
        let error = LogFile::open(&path, clock::wall()).unwrap_err();
        let failure = unwritable(&path, &error);
        let line = failure.to_string();
        assert!(line.contains(part) && is_clean(&line), "{line}");
        assert_eq!(failure.number(), 6);
    }
}
