//! Changing one step of a program.

use serde_json::{Map, Value, json};

use super::Change;
use super::program::{MOST_STEPS, Program, Step};

/// What is to be changed.
#[derive(Debug, Clone)]
pub(super) struct Patch {
    pub(super) change: Change,
    /// The number of the step.
    pub(super) step: Option<u32>,
    /// Where it is to be, from 1 on.
    pub(super) position: Option<u32>,
    pub(super) content: Map<String, Value>,
}

impl Patch {
    /// Changes a program and gives the place of the step that is new, or of the one behind what is gone.
    ///
    /// # Errors
    /// What is missing or cannot be.
    pub(super) fn apply(self, program: &mut Program) -> Result<usize, String> {
        let steps = program.steps.len();
        let before = program.used()?;
        let place = match self.change {
            Change::Replace => {
                let place = program.position(self.step()?)?;
                let was = serde_json::to_value(&program.steps[place]).map_err(|error| error.to_string())?;
                program.steps[place] = made(was, self.content()?)?;
                place
            }
            Change::Insert => {
                if steps >= MOST_STEPS {
                    return Err(format!("{} has {steps} steps, and {MOST_STEPS} is the most", program.name));
                }
                let place = self.place(steps + 1)?.unwrap_or(steps);
                let step = made(json!({"id": 1}), self.content()?)?;
                program.steps.insert(place, step);
                place
            }
            Change::Delete => {
                let place = program.position(self.step()?)?;
                program.steps.remove(place);
                place
            }
            Change::Move => {
                let from = program.position(self.step()?)?;
                let to = self.place(steps)?.ok_or_else(|| format!("move needs `position`, from 1 to {steps}"))?;
                let step = program.steps.remove(from);
                program.steps.insert(to, step);
                to
            }
        };
        program.number();
        let after = program.used()?;
        // What only this step took is asked for no longer.
        program.parameters.retain(|known| after.contains(&known.name) || !before.contains(&known.name));
        program.list_parameters()?;
        Ok(place)
    }

    fn step(&self) -> Result<u32, String> {
        self.step.ok_or_else(|| "this needs `step`: the number of the step, as `show` tells it".to_owned())
    }

    fn content(&self) -> Result<&Map<String, Value>, String> {
        if self.content.is_empty() {
            return Err(
                "this needs `content`, such as {\"wait_ms\": 500} or a whole step; see `show` with `full`".to_owned()
            );
        }
        Ok(&self.content)
    }

    fn place(&self, most: usize) -> Result<Option<usize>, String> {
        let Some(position) = self.position else { return Ok(None) };
        let place = usize::try_from(position).unwrap_or(usize::MAX);
        if (1..=most).contains(&place) { Ok(Some(place - 1)) } else { Err(format!("`position` is 1 to {most}")) }
    }
}

/// A step with other content: what is named takes the place of what was, and null takes it away.
fn made(was: Value, content: &Map<String, Value>) -> Result<Step, String> {
    let mut fields = was.as_object().cloned().unwrap_or_default();
    for (name, value) in content {
        match value {
            _ if name == "id" => return Err("the number of a step is given by its place; leave `id` out".to_owned()),
            Value::Null => drop(fields.remove(name)),
            value => drop(fields.insert(name.clone(), value.clone())),
        }
    }
    serde_json::from_value(Value::Object(fields)).map_err(|error| format!("`content` makes no step: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program() -> Program {
        let steps: Vec<Value> =
            [10, 20, 30].map(|wait| json!({"id": wait / 10, "tool": "wait", "wait_ms": wait})).into();
        let value = json!({"name": "a", "version": 1, "source": "session", "steps": steps});
        Program::parse(value.to_string().as_bytes()).unwrap()
    }

    fn patched(change: Change, step: Option<u32>, position: Option<u32>, content: Value) -> Result<Vec<u32>, String> {
        let mut program = program();
        let content = content.as_object().cloned().unwrap_or_default();
        Patch { change, step, position, content }.apply(&mut program)?;
        program.check()?;
        assert!(program.steps.iter().zip(1..).all(|(step, id)| step.id == id));
        Ok(program.steps.iter().map(|step| step.wait_ms).collect())
    }

    #[test]
    fn one_step_is_changed_and_all_are_numbered_anew() {
        let new = json!({"tool": "wait", "wait_ms": 5});
        assert_eq!(patched(Change::Replace, Some(2), None, json!({"wait_ms": 7})).unwrap(), [10, 7, 30]);
        assert_eq!(patched(Change::Insert, None, Some(1), new.clone()).unwrap(), [5, 10, 20, 30]);
        assert_eq!(patched(Change::Insert, None, None, new.clone()).unwrap(), [10, 20, 30, 5]);
        assert_eq!(patched(Change::Delete, Some(2), None, json!({})).unwrap(), [10, 30]);
        assert_eq!(patched(Change::Move, Some(3), Some(1), json!({})).unwrap(), [30, 10, 20]);
        assert_eq!(patched(Change::Move, Some(1), Some(3), json!({})).unwrap(), [20, 30, 10]);
        assert_eq!(patched(Change::Replace, Some(2), None, json!({"wait_ms": null})).unwrap(), [10, 0, 30]);
    }

    #[test]
    fn what_makes_no_step_is_refused() {
        for (change, step, position, content, why) in [
            (Change::Replace, None, None, json!({"wait_ms": 1}), "needs `step`"),
            (Change::Replace, Some(4), None, json!({"wait_ms": 1}), "no step 4; there are 1, 2, 3"),
            (Change::Replace, Some(1), None, json!({}), "needs `content`"),
            (Change::Replace, Some(1), None, json!({"id": 5}), "leave `id` out"),
            (Change::Replace, Some(1), None, json!({"then": 5}), "unknown field `then`"),
            (Change::Replace, Some(1), None, json!({"tool": "learn"}), "a step is done by one of"),
            (Change::Insert, None, Some(5), json!({"tool": "wait"}), "`position` is 1 to 4"),
            (Change::Insert, None, Some(1), json!({"wait_ms": 5}), "missing field `tool`"),
            (Change::Move, Some(1), None, json!({}), "needs `position`"),
            (Change::Move, Some(1), Some(0), json!({}), "`position` is 1 to 3"),
        ] {
            let error = patched(change, step, position, content).unwrap_err();
            assert!(error.contains(why), "{error} is not about {why}");
        }
    }

    #[test]
    fn a_new_placeholder_is_a_new_parameter() {
        let mut program = program();
        let content = json!({"tool": "keyboard", "arguments": {"action": "type", "text": "{{who}}"}});
        let content = content.as_object().unwrap().clone();
        Patch { change: Change::Insert, step: None, position: None, content }.apply(&mut program).unwrap();
        program.check().unwrap();
        assert_eq!(program.parameters[0].name, "who");
    }

    #[test]
    fn a_parameter_goes_with_its_last_placeholder() {
        let mut program = program();
        let mut patch = |content: Value| {
            let content = content.as_object().unwrap().clone();
            Patch { change: Change::Replace, step: Some(1), position: None, content }.apply(&mut program).unwrap();
            program.check().unwrap();
            program.parameters.iter().map(|parameter| parameter.name.clone()).collect::<Vec<_>>()
        };
        let typed = |text: &str| json!({"tool": "keyboard", "arguments": {"action": "type", "text": text}});
        assert_eq!(patch(typed("{{who}} {{undeclared}}")), ["undeclared", "who"]);
        assert_eq!(patch(typed("{{who}}")), ["who"]);
        assert_eq!(patch(typed("Ada")), [""; 0]);
    }
}
