//! Unit files of systemd, read by its own rules (systemd.syntax(7), systemd.service(5)), so that a test starts what
//! systemd would start.

/// The value of a key that stands once in a section.
///
/// # Panics
/// When it stands there twice.
#[must_use]
pub fn value<'u>(unit: &'u str, section: &str, key: &str) -> Option<&'u str> {
    let header = format!("[{section}]");
    let lines = unit.lines().skip_while(|line| *line != header).skip(1).take_while(|line| !line.starts_with('['));
    let mut values = lines.filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    let value = values.next();
    assert_eq!(values.next(), None, "{key} stands twice in {header}");
    value
}

/// The program that a unit starts, and its arguments.
///
/// # Panics
/// When there is none, or it is written in a way that systemd does not read.
#[must_use]
pub fn exec_start(unit: &str) -> Vec<String> {
    let line = value(unit, "Service", "ExecStart").expect("the unit starts a program");
    let mut words = words(line);
    let first = words.first_mut().expect("there is a program");
    let program = first.trim_start_matches(['@', '-', ':', '+', '!']).to_owned();
    let is_verbatim = first[..first.len() - program.len()].contains(':');
    assert!(program.starts_with('/') && !program.contains(['"', '\'', '\\']), "{program} is no program to systemd");
    *first = program;
    words.iter().map(|word| specified(word)).map(|word| if is_verbatim { word } else { expanded(&word) }).collect()
}

/// Takes a line apart: words between spaces, which quotation marks hold together.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut mark = None;
    let mut rest = line.chars();
    while let Some(character) = rest.next() {
        match (mark, character) {
            (_, '\\') => word.get_or_insert_default().push(escape(&mut rest)),
            (Some(open), _) if open == character => mark = None,
            (None, '"' | '\'') => {
                assert_eq!(word, None, "a quotation mark within a word: {line}");
                mark = Some(character);
                word = Some(String::new());
            }
            (None, ' ' | '\t') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    assert_eq!(mark, None, "a quotation mark is not closed: {line}");
    words.extend(word);
    words
}

fn escape(rest: &mut impl Iterator<Item = char>) -> char {
    match rest.next() {
        Some(same @ ('\\' | '"' | '\'')) => same,
        Some('s') => ' ',
        Some('n') => '\n',
        Some('t') => '\t',
        other => panic!("systemd has no escape \\{other:?} that is known here"),
    }
}

fn specified(word: &str) -> String {
    let mut specified = String::new();
    let mut rest = word.chars();
    while let Some(character) = rest.next() {
        if character == '%' {
            assert_eq!(rest.next(), Some('%'), "systemd puts something else in its place: {word}");
        }
        specified.push(character);
    }
    specified
}

fn expanded(word: &str) -> String {
    let expanded = word.replace("$$", "\0");
    assert!(!expanded.contains('$'), "systemd puts a variable in its place: {word}");
    expanded.replace('\0', "$")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As systemd 252 itself has taken this line apart (`systemd --user --test`).
    #[test]
    fn a_line_is_taken_apart_as_systemd_does_it() {
        let line = r#"":/tmp/h8/bin dir/open%%de$sk é" serve --home "/root/a b/\"q\" 'x' 50%% \\ é $HOME" """#;
        let unit = format!("[Unit]\nExecStart=no\n[Service]\nType=exec\nExecStart={line}\n[Install]\n");
        let expected = ["/tmp/h8/bin dir/open%de$sk é", "serve", "--home", r#"/root/a b/"q" 'x' 50% \ é $HOME"#, ""];
        assert_eq!(exec_start(&unit), expected);
    }

    #[test]
    fn without_a_colon_dollars_stand_for_variables() {
        assert_eq!(exec_start("[Service]\nExecStart=-/bin/echo a$$b 'c d'\n"), ["/bin/echo", "a$b", "c d"]);
        for bad in ["/bin/echo $HOME", ":/bin/echo %h", "/bin/echo \"a", "echo", "/bin/e\\\\x", "/bin/echo a\"b\""] {
            let unit = format!("[Service]\nExecStart={bad}\n");
            assert!(std::panic::catch_unwind(|| exec_start(&unit)).is_err(), "{bad}");
        }
    }
}
