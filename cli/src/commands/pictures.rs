//! What the files are called that pictures are saved as.

/// What a file is called that is about a machine: its name, with nothing in it that leads elsewhere, that a file system
/// refuses or that a shell takes for something else.
pub(super) fn file_name(machine: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_' | '.');
    let name: String = machine.chars().map(|character| if is_plain(character) { character } else { '_' }).collect();
    // Neither hidden nor an option.
    if name.starts_with(['.', '-']) { format!("_{name}") } else { name }
}

/// How the name of a picture's file ends.
pub(super) fn file_ending(mime_type: &str) -> &'static str {
    match mime_type {
        "image/jpeg" => "jpg",
        "image/webp" => "webp",
        _ => "png",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_its_directory() {
        for (machine, file) in [
            ("desk", "desk"),
            ("Büro PC", "Büro_PC"),
            ("../../etc/passwd", "_.._.._etc_passwd"),
            ("a/b\\c:d*e", "a_b_c_d_e"),
            ("..", "_.."),
            ("-rf", "_-rf"),
            ("ws://[::1]:8423#ab", "ws______1__8423_ab"),
        ] {
            assert_eq!(file_name(machine), file);
        }
    }
}
