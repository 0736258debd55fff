//! Which arguments belong to which action of a tool.

use super::ToolError;

/// Makes sure that an action has what it needs, and nothing that it would leave unread: an argument that is ignored in silence
/// misleads whoever gave it.
///
/// # Errors
/// [`ToolError::Arguments`], naming the argument.
pub(super) fn check(action: &str, given: &[(&str, bool)], needs: &[&str], takes: &[&str]) -> Result<(), ToolError> {
    for (name, is_given) in given {
        if *is_given && !needs.contains(name) && !takes.contains(name) {
            let known: Vec<String> = needs.iter().chain(takes).map(|name| format!("`{name}`")).collect();
            let known = if known.is_empty() { "nothing else".to_owned() } else { known.join(", ") };
            return Err(ToolError::Arguments(format!("`{name}` does not go with {action}, which takes {known}")));
        }
        if !*is_given && needs.contains(name) {
            return Err(ToolError::Arguments(format!("{action} needs `{name}`")));
        }
    }
    Ok(())
}

/// Makes sure of the second only, where the action finds out itself what it lacks.
///
/// # Errors
/// [`ToolError::Arguments`], naming the argument.
pub(super) fn check_unused(action: &str, given: &[(&str, bool)], takes: &[&str]) -> Result<(), ToolError> {
    let given: Vec<_> = given.iter().copied().filter(|(_, is_given)| *is_given).collect();
    check(action, &given, &[], takes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_and_what_does_not_belong_is_named() {
        let given = [("name", true), ("x", false)];
        assert!(check("open", &given, &["name"], &[]).is_ok());
        assert!(check("list", &given, &[], &["name"]).is_ok());
        let error = check("move_window", &given, &["name", "x"], &[]).unwrap_err().to_string();
        assert!(error.ends_with("move_window needs `x`"), "{error}");
        let error = check("windows", &given, &[], &["x"]).unwrap_err().to_string();
        assert!(error.ends_with("`name` does not go with windows, which takes `x`"), "{error}");
    }
}
