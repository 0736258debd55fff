//! Command lines of desktop entries (Desktop Entry Specification, "The Exec key").

/// What the codes in a command line stand for.
pub(super) struct Codes<'a> {
    /// `%c`: the application's name in the person's language.
    pub(super) name: &'a str,
    /// `%i`: its icon.
    pub(super) icon: Option<&'a str>,
    /// `%k`: where the desktop entry is.
    pub(super) file: &'a str,
}

/// The program and its arguments when it is started without files. No shell has a part in it.
///
/// # Errors
/// What is wrong with the command line.
pub(super) fn arguments(line: &str, codes: &Codes<'_>) -> Result<Vec<String>, String> {
    let mut words = Words::default();
    let mut quote = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('%', _) => words.code(letters.next(), codes)?,
            (letter, Some(open)) if letter == open => quote = None,
            ('\\', Some('"')) => match letters.next() {
                Some(escaped @ ('"' | '`' | '$' | '\\')) => words.push(escaped),
                Some(other) => {
                    words.push('\\');
                    words.push(other);
                }
                None => break,
            },
            // The specification has no single quotes, but there are entries with them, and every desktop takes them.
            ('"' | '\'', None) => {
                quote = Some(letter);
                words.begin();
            }
            ('\\', None) => words.push(letters.next().unwrap_or('\\')),
            (' ' | '\t' | '\n', None) => words.end(),
            (letter, _) => words.push(letter),
        }
    }
    if quote.is_some() {
        return Err("a quotation mark is not closed".to_owned());
    }
    words.end();
    if words.done.first().is_none_or(String::is_empty) {
        return Err("it names no program".to_owned());
    }
    Ok(words.done)
}

/// The words so far.
#[derive(Default)]
struct Words {
    done: Vec<String>,
    word: Option<String>,
    /// Whether a code in the word stood for nothing, so that the word goes with it if nothing else is in it.
    is_void: bool,
}

impl Words {
    fn begin(&mut self) -> &mut String {
        self.word.get_or_insert_default()
    }

    fn push(&mut self, letter: char) {
        self.begin().push(letter);
    }

    fn end(&mut self) {
        let is_void = core::mem::take(&mut self.is_void);
        self.done.extend(self.word.take().filter(|word| !(is_void && word.is_empty())));
    }

    fn code(&mut self, code: Option<char>, codes: &Codes<'_>) -> Result<(), String> {
        match code {
            Some('%') => self.push('%'),
            Some('c') => self.begin().push_str(codes.name),
            Some('k') => self.begin().push_str(codes.file),
            Some('i') => match codes.icon {
                Some(icon) => {
                    self.done.push("--icon".to_owned());
                    self.begin().push_str(icon);
                }
                None => self.void(),
            },
            // Files, of which there are none, and what earlier specifications had.
            Some('f' | 'F' | 'u' | 'U' | 'd' | 'D' | 'n' | 'N' | 'v' | 'm') => self.void(),
            Some(other) => return Err(format!("it has the unknown code %{other}")),
            None => return Err("it ends in %".to_owned()),
        }
        Ok(())
    }

    fn void(&mut self) {
        self.begin();
        self.is_void = true;
    }
}

/// What a command line is recognised by: the base name of its program, or of the script if the program is one that
/// runs scripts; never empty.
pub(super) fn identity<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut words = arguments.into_iter();
    let program = base(words.next()?);
    if !runs_others(program) {
        return Some(program).filter(|program| !program.is_empty());
    }
    let script = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
    Some(base(script)).filter(|script| !script.is_empty())
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn runs_others(program: &str) -> bool {
    let stem = program.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    matches!(stem, "bash" | "dash" | "env" | "java" | "node" | "perl" | "python" | "ruby" | "sh" | "setsid" | "wish")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODES: Codes<'_> = Codes { name: "Two Words", icon: Some("icon"), file: "/a b/x.desktop" };

    fn parsed(line: &str) -> Vec<String> {
        arguments(line, &CODES).unwrap()
    }

    #[test]
    fn words_are_split_and_unquoted() {
        let cases: [(&str, &[&str]); 9] = [
            ("xterm", &["xterm"]),
            ("  a   b\tc ", &["a", "b", "c"]),
            (r#""/opt/a b/run" --x"#, &["/opt/a b/run", "--x"]),
            (r#"a "" b"#, &["a", "", "b"]),
            (r#"a "\$HOME \"q\" \\ \n""#, &["a", r#"$HOME "q" \ \n"#]),
            (r"a b\ c", &["a", "b c"]),
            ("sh -c 'echo \"$1\" %%'", &["sh", "-c", "echo \"$1\" %"]),
            ("a pre\"mid dle\"post", &["a", "premid dlepost"]),
            ("a $HOME; `b` | c > d", &["a", "$HOME;", "`b`", "|", "c", ">", "d"]),
        ];
        for (line, expected) in cases {
            assert_eq!(parsed(line), expected, "{line}");
        }
    }

    #[test]
    fn codes_are_replaced() {
        let cases: [(&str, &[&str]); 7] = [
            ("a %f %F %u %U b", &["a", "b"]),
            ("a \"%f\" --file=%u", &["a", "--file="]),
            ("a %i", &["a", "--icon", "icon"]),
            ("a %c --name=%c", &["a", "Two Words", "--name=Two Words"]),
            ("a %k", &["a", "/a b/x.desktop"]),
            ("a 100%%", &["a", "100%"]),
            ("a %d %D %n %N %v %m", &["a"]),
        ];
        for (line, expected) in cases {
            assert_eq!(parsed(line), expected, "{line}");
        }
        let without = Codes { icon: None, ..CODES };
        assert_eq!(arguments("a %i b", &without).unwrap(), ["a", "b"]);
    }

    #[test]
    fn what_is_no_command_line_is_refused() {
        for line in ["", "  ", "%f", "\"\"", "a \"b", "a 'b", "a %x", "a %", "a \"\\"] {
            assert!(arguments(line, &CODES).is_err(), "{line}");
        }
    }

    #[test]
    fn a_script_is_recognised_by_its_own_name() {
        let cases: [(&[&str], Option<&str>); 11] = [
            (&["/usr/bin/xterm", "-e", "top"], Some("xterm")),
            (&["python3.11", "/opt/a b/app.py", "x"], Some("app.py")),
            (&["/usr/bin/python3", "-u", "app.py"], Some("app.py")),
            (&["env", "A=1", "gimp"], Some("gimp")),
            (&["sh", "-c", "exec x"], Some("exec x")),
            (&["python3"], None),
            (&[], None),
            (&["gvim"], Some("gvim")),
            (&[""], None),
            (&["/opt/folder/"], None),
            (&["env", "folder/"], None),
        ];
        for (words, expected) in cases {
            assert_eq!(identity(words.iter().copied()), expected, "{words:?}");
        }
    }
}
