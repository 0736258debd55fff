//! `opendesk audit verify`: whether a log is as it was written, of this machine or of another one.

use core::time::Duration;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::{fs, thread};

use opendesk_core::{PublicKey, VerifyingKey};
use opendesk_std::govern::audit::{FileReport, Head, LogReport, Recovered, Report, verify_log};
use opendesk_std::home::{Home, printable};
use serde_json::{Map, Value, json};

use super::super::Context;
use super::line::count;
use crate::exit::Failure;
use crate::output;

/// Room for thousands of keys.
const KEYS_BYTES: u64 = 1 << 20;

/// How long somebody who is to write the keys into a pipe has to begin.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn run(context: &Context, mut paths: Vec<PathBuf>, pubkey: Option<&Path>) -> Result<(), Failure> {
    let keys = match pubkey {
        Some(path) => given(path)?,
        None => own(&context.home)?,
    };
    let is_named = !paths.is_empty();
    if !is_named {
        paths.push(context.home.audit_dir());
        if !paths[0].exists() {
            let nothing = json!({"ok": true, "files": [], "logs": []});
            output::result(context.json, &nothing, || "there is no audit log yet".to_owned());
            return Ok(());
        }
    }
    paths.iter().try_for_each(|path| readable(path))?;
    let mut report = verify_log(&paths, &keys);
    if is_named && let Some(path) = without_log(&report) {
        let shown = printable(&path.display().to_string());
        let next = "name the folder `audit` of a home directory, or files of it such as 2026-05-12.jsonl";
        return Err(Failure::unusable(format!("{shown} holds no entry of an audit log; {next}")));
    }
    if pubkey.is_some() && report.files().all(|file| file.signed_lines == 0) {
        for log in &mut report.logs {
            log.faults.push("nothing in it is signed by one of the keys that were given".to_owned());
        }
    }
    let files = report.files().filter(|file| file.error.is_some()).count();
    let failure = match files + report.logs.iter().map(|log| log.faults.len()).sum::<usize>() {
        0 => None,
        1 => Some(Failure::failed("the audit log is not as it was written")),
        faults => Some(Failure::failed(format!("the audit log is not as it was written, in {faults} places"))),
    };
    let mut told = as_json(&report);
    if let Some(failure) = &failure {
        told["exit_code"] = failure.number().into();
        told["error"] = failure.to_string().into();
    }
    output::result(context.json, &told, || as_text(&report));
    failure.map_or(Ok(()), |failure| Err(failure.told()))
}

/// Something that was looked at and in which there is no line of a log.
fn without_log(report: &Report) -> Option<&Path> {
    report.logs.iter().find_map(|log| {
        let mut files = log.files.iter();
        if log.is_whole {
            let is_empty = log.faults.is_empty() && files.all(|file| file.lines == 0 && file.error.is_none());
            return is_empty.then_some(&*log.folder);
        }
        files.find(|file| file.lines == 0 && file.error.is_none()).map(|file| &*file.path)
    })
}

/// What is named and cannot be read says nothing about whether a log is as it was written.
fn readable(path: &Path) -> Result<(), Failure> {
    let tried = fs::metadata(path).and_then(|found| {
        if found.is_dir() {
            fs::read_dir(path).map(drop)
        } else if found.is_file() {
            fs::File::open(path).map(drop)
        } else {
            // Opening a pipe would wait.
            Err(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file"))
        }
    });
    let shown = || printable(&path.display().to_string());
    tried.map_err(|error| Failure::unusable(format!("{} cannot be read: {error}", shown())))
}

/// The keys of this machine, with those that it had before. They are not made for this.
fn own(home: &Home) -> Result<Vec<VerifyingKey>, Failure> {
    if !home.path().join("identity.ed25519").exists() {
        return Ok(Vec::new());
    }
    let identity = home.identity()?;
    Ok(identity.former.iter().chain([&identity.keys]).map(|keys| keys.signing_key.public()).collect())
}

/// The keys in a file: 64 hexadecimal digits a line, alone or as `opendesk identity` shows them; or what it gives with `--json`.
fn given(path: &Path) -> Result<Vec<VerifyingKey>, Failure> {
    let shown = printable(&path.display().to_string());
    let unusable = |why: &str| {
        let keys = "write the output of `opendesk identity` of the machine into it, or its signing key";
        Failure::unusable(format!("{shown} {why}; {keys}"))
    };
    // A pipe is as good: the keys may come from another machine at that moment.
    if path.is_dir() {
        return Err(unusable("is a folder"));
    }
    let mut text = String::new();
    let read = opened(path).and_then(|file| file.take(KEYS_BYTES + 1).read_to_string(&mut text));
    match read {
        Ok(bytes) if bytes as u64 > KEYS_BYTES => return Err(unusable("is longer than 1 MiB")),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::InvalidData => return Err(unusable("is no text")),
        Err(error) => return Err(Failure::unusable(format!("{shown} cannot be read: {error}"))),
    }
    if let Ok(identity) = serde_json::from_str::<Map<String, Value>>(&text) {
        let signing = identity.get("signing_key").and_then(Value::as_str).and_then(key);
        return signing.map(|key| vec![key]).ok_or_else(|| unusable("holds no signing key"));
    }
    let mut keys = Vec::new();
    for (index, line) in text.lines().map(str::trim).enumerate() {
        let is_other = ["fingerprint ", "public key ", "formerly ", "#"].iter().any(|begin| line.starts_with(begin));
        if line.is_empty() || is_other {
            continue;
        }
        let digits = line.strip_prefix("signing key").unwrap_or(line).trim();
        keys.push(key(digits).ok_or_else(|| {
            let line = index + 1;
            unusable(&format!("has a line, {line}, that is no signing key of 64 hexadecimal digits"))
        })?);
    }
    if keys.is_empty() { Err(unusable("holds no signing key")) } else { Ok(keys) }
}

/// Opens a file. A pipe with a name is not open before somebody writes into it.
fn opened(path: &Path) -> io::Result<fs::File> {
    let (tell, told) = channel();
    let path = path.to_owned();
    thread::spawn(move || drop(tell.send(fs::File::open(path))));
    let nobody = |_| io::Error::new(ErrorKind::TimedOut, "it is a pipe into which nobody writes");
    told.recv_timeout(PATIENCE).map_err(nobody)?
}

fn key(digits: &str) -> Option<VerifyingKey> {
    let mut key = [0; 32];
    if digits.len() != 2 * key.len() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(key)
}

fn as_json(report: &Report) -> Value {
    let files: Vec<Value> = report.files().map(file_json).collect();
    let logs: Vec<Value> = report.logs.iter().map(log_json).collect();
    json!({"ok": report.is_intact(), "files": files, "logs": logs})
}

fn file_json(file: &FileReport) -> Value {
    let recovered: Vec<Value> = file
        .recovered
        .iter()
        .map(
            |found| json!({"line": found.line, "unsigned_lines": found.unsigned_lines, "torn_bytes": found.torn_bytes}),
        )
        .collect();
    let signers: Vec<String> = file.signers.iter().map(|key| PublicKey(*key).to_string()).collect();
    let mut told = json!({
        "file": file.path.display().to_string(),
        "ok": file.error.is_none(),
        "lines": file.lines,
        "chained": file.chained,
        "checkpoints": file.checkpoints,
        "signed_lines": file.signed_lines,
        "signers": signers,
        "closed": file.is_closed,
        "torn_bytes": file.torn_bytes,
        "recovered": recovered,
    });
    if let Some(error) = &file.error {
        told["line"] = error.line.into();
        told["error"] = error.why.as_str().into();
    }
    told
}

fn log_json(log: &LogReport) -> Value {
    let head = log.head.as_ref().map(|Head { end, key, .. }| {
        json!({"date": end.date.to_string(), "lines": end.lines, "hash": end.hash, "key": PublicKey(*key).to_string()})
    });
    json!({
        "folder": log.folder.display().to_string(),
        "whole": log.is_whole,
        "head": head,
        "faults": log.faults,
        "unchecked": log.unchecked,
    })
}

fn as_text(report: &Report) -> String {
    let mut lines = Vec::new();
    for log in &report.logs {
        for file in &log.files {
            lines.push(file_text(file));
            lines.extend(file.recovered.iter().map(recovered_text));
        }
        if let Some(Head { end, key, .. }) = &log.head {
            let key = PublicKey(*key);
            lines.push(format!(
                "signed up to line {} of {}.jsonl, hash {}, by the key {key}; kept elsewhere, this tells later whether \
                 the log was set back",
                end.lines, end.date, end.hash
            ));
        }
        lines.extend(log.unchecked.iter().map(|what| format!("not checked: {what}")));
        lines.extend(log.faults.iter().cloned());
        if log.files.is_empty() && log.faults.is_empty() {
            lines.push("there is no audit log yet".to_owned());
        }
    }
    lines.iter().map(|line| printable(line)).collect::<Vec<_>>().join("\n")
}

fn file_text(file: &FileReport) -> String {
    let name = file.path.file_name().unwrap_or_default().to_string_lossy();
    if let Some(error) = &file.error {
        return format!("{name}: {error}");
    }
    let FileReport { lines, chained, signed_lines, .. } = file;
    let signed = match *signed_lines {
        0 => "not signed".to_owned(),
        all if all == *lines => "all signed".to_owned(),
        some => format!("signed up to line {some}"),
    };
    let closed = if file.is_closed { " and closed" } else { "" };
    let torn = match file.torn_bytes {
        0 => String::new(),
        bytes => format!("; then {} of a torn line, which the next start of the host puts right", count(bytes, "byte")),
    };
    format!(
        "{name}: {}, {chained} of them chained, {signed}{closed}, as they were written{torn}",
        count(*lines, "line")
    )
}

fn recovered_text(found: &Recovered) -> String {
    let unsigned = match found.unsigned_lines {
        0 => String::new(),
        lines => format!("; {} before it had no signature then", count(lines, "line")),
    };
    let torn = match found.torn_bytes {
        0 => String::new(),
        bytes => format!("; {} of a torn line were recovered", count(bytes, "byte")),
    };
    format!("  line {}: the log had not been closed, and went on{unsigned}{torn}", found.line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let (one, other) = ("ab".repeat(32), "CD".repeat(32));
        let read = |text: String| {
            fs::write(&path, text).unwrap();
            given(&path)
        };
        let keys = read(format!("# two\n{one}\n\n signing key  {other}\r\n")).unwrap();
        assert_eq!(keys, [[0xab; 32], [0xcd; 32]]);
        let shown = format!("fingerprint  abab:abab\npublic key   {other}\nsigning key  {one}\nformerly     1234:5678");
        assert_eq!(read(shown).unwrap(), [[0xab; 32]]);
        assert_eq!(read(format!("{}\n", json!({"public_key": other, "signing_key": one}))).unwrap(), [[0xab; 32]]);
        for (text, said) in [
            (String::new(), "holds no signing key"),
            (format!("public key   {one}"), "holds no signing key"),
            (json!({"public_key": one}).to_string(), "holds no signing key"),
            (format!("\n{}", &one[1..]), "has a line, 2, that"),
            (format!("{}é", &one[2..]), "has a line, 1, that"),
        ] {
            let failure = read(text).unwrap_err();
            assert_eq!(failure.number(), 6, "{failure}");
            assert!(
                failure.to_string().contains(said) && failure.to_string().contains("`opendesk identity`"),
                "{failure}"
            );
        }
        assert!(read("\n".repeat((1 << 20) + 1)).unwrap_err().to_string().contains("is longer than 1 MiB; "));
        fs::write(&path, [0xff, 0xfe]).unwrap();
        let failure = given(&path).unwrap_err();
        assert!(failure.number() == 6 && failure.to_string().contains("is no text; "), "{failure}");
        let failure = given(folder.path()).unwrap_err();
        assert!(failure.number() == 6 && failure.to_string().contains("is a folder; "), "{failure}");
        assert!(given(&folder.path().join("none")).unwrap_err().to_string().contains("cannot be read"));
    }
}
