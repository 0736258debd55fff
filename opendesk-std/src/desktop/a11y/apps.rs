//! The applications that take part in accessibility, and which of them is meant.

use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::bus::{ACCESSIBLE, Place, Wired, brief};
use super::children::MANY;
use super::faces::Faces;
use super::item::{Item, bounded};
use super::roles;
use super::talk::{Talk, enumerated, short};
use crate::api::{Error, ErrorCode, Result};
use crate::clock;

/// The names of applications by their names on the bus. They stay the same, and one that stops answering still has its.
#[derive(Debug, Default)]
pub(super) struct Names(Mutex<HashMap<Arc<str>, String>>);

/// An application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct App {
    pub(super) root: Place,
    pub(super) process: Option<u32>,
    /// What it calls itself, or else what its process is called.
    pub(super) name: String,
}

impl App {
    /// The element that stands for it when it does not answer.
    pub(super) fn item(&self) -> Item {
        Item {
            place: self.root.clone(),
            role: roles::APPLICATION,
            states: 0,
            faces: Faces::default(),
            name: self.name.clone(),
            description: String::new(),
            count: None,
        }
    }
}

impl Names {
    /// The applications that there are. Those that have not told their names are asked until `patience` is over.
    ///
    /// # Errors
    /// [`ErrorCode::Timeout`] and [`ErrorCode::Internal`] when the registry of applications does not answer.
    pub(super) async fn list(&self, talk: Talk<'_>, patience: Instant) -> Result<Vec<App>> {
        let registry = Place::desktop();
        let asked = talk.until(talk.bus.ask::<_, Vec<Wired>>(&registry, ACCESSIBLE, "GetChildren", &())).await;
        let roots = match asked {
            Some(Ok(roots)) => roots,
            Some(Err(error)) => return Err(no_registry(&brief(&error))),
            None => return Err(Error::new(ErrorCode::Timeout, no_registry("it does not answer").message)),
        };
        let roots = roots.into_iter().take(MANY).map(Place::from).filter(|root| !root.is_null());
        let mut apps: Vec<App> = roots.map(|root| App { root, process: None, name: String::new() }).collect();
        self.recall(&mut apps);
        let bus = talk.bus;
        let mut processes = vec![None; apps.len()];
        let questions =
            apps.iter().enumerate().map(|(index, app)| async move { (index, bus.process(&app.root.bus).await.ok()) });
        talk.ticker.gather(talk.deadline, questions, |(index, process)| processes[index] = process).await;
        let mut told = vec![None; apps.len()];
        let is_asked = clock::monotonic() < patience;
        let nameless = apps.iter().enumerate().filter(|(_, app)| is_asked && app.name.is_empty());
        let questions = nameless.map(|(index, app)| async move {
            (index, bus.property::<String>(&app.root, ACCESSIBLE, "Name").await.ok().map(bounded))
        });
        talk.ticker.gather(patience.min(talk.deadline), questions, |(index, name)| told[index] = name).await;
        self.learn(&apps, &told);
        for ((app, process), name) in apps.iter_mut().zip(processes).zip(told) {
            app.process = process;
            if app.name.is_empty() {
                let own = name.filter(|name| !name.is_empty());
                app.name = own.or_else(|| process.and_then(command)).unwrap_or_else(|| app.root.bus.to_string());
            }
        }
        Ok(apps)
    }

    /// Fills in the names that are known, and forgets those of applications that have ended.
    fn recall(&self, apps: &mut [App]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = core::mem::take(&mut *known);
        for app in apps {
            if let Some(name) = before.get(&app.root.bus) {
                app.name.clone_from(name);
                known.insert(Arc::clone(&app.root.bus), name.clone());
            }
        }
    }

    fn learn(&self, apps: &[App], told: &[Option<String>]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (app, name) in apps.iter().zip(told) {
            if let Some(name) = name.as_ref().filter(|name| !name.is_empty()) {
                known.insert(Arc::clone(&app.root.bus), name.clone());
            }
        }
    }
}

fn no_registry(why: &str) -> Error {
    Error::internal(format!(
        "the registry of accessible applications is of no use ({why}); look whether at-spi2-registryd of the Debian \
         package at-spi2-core runs"
    ))
}

/// What a process is called.
fn command(process: u32) -> Option<String> {
    let name = fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// The one application that a name means: the one that is called so, or else the only one whose name begins so, or else
/// the only one whose name has it in it.
///
/// # Errors
/// [`ErrorCode::NotFound`] when none does, [`ErrorCode::InvalidArgument`] when several do. Both list them.
pub(super) fn choose(apps: &[App], name: &str) -> Result<App> {
    let wanted = name.trim().to_lowercase();
    let all = list(apps);
    let tests: [fn(&str, &str) -> bool; 3] =
        [|name, wanted| name == wanted, |name, wanted| name.starts_with(wanted), |name, wanted| name.contains(wanted)];
    for test in tests {
        let mut found = apps.iter().filter(|app| test(&app.name.to_lowercase(), &wanted));
        match (found.next(), found.next()) {
            (Some(app), None) => return Ok(app.clone()),
            (Some(_), Some(_)) => {
                let found: Vec<App> =
                    apps.iter().filter(|app| test(&app.name.to_lowercase(), &wanted)).cloned().collect();
                let message = format!(
                    "several applications are called {name:?}: {}; name one of its windows instead",
                    list(&found)
                );
                return Err(Error::invalid(message));
            }
            (None, _) => {}
        }
    }
    let there = if all.is_empty() { "none takes part in it".to_owned() } else { format!("there are {all}") };
    Err(Error::new(ErrorCode::NotFound, format!("accessibility knows no application {name:?}; {there}")))
}

/// Applications with their processes, as errors list them.
fn list(apps: &[App]) -> String {
    let one = |app: &App| match app.process {
        Some(process) => format!("{} (process {process})", short(&app.name)),
        None => short(&app.name),
    };
    enumerated(apps.iter().map(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apps(names: &[&str]) -> Vec<App> {
        let app = |(number, name): (usize, &&str)| App {
            root: Place::new(&format!(":1.{number}"), "/root"),
            process: u32::try_from(number).ok(),
            name: (*name).to_owned(),
        };
        names.iter().enumerate().map(app).collect()
    }

    fn chosen(names: &[&str], name: &str) -> core::result::Result<String, (ErrorCode, String)> {
        choose(&apps(names), name).map(|app| app.name).map_err(|error| (error.code, error.message))
    }

    #[test]
    fn an_application_is_known_by_its_name_or_an_unambiguous_part() {
        let names = ["gedit", "Gedit-plugin", "Files", "form.py"];
        for (asked, name) in [("GEDIT", "gedit"), ("file", "Files"), ("orm", "form.py"), ("gedit-", "Gedit-plugin")] {
            assert_eq!(chosen(&names, asked), Ok(name.to_owned()));
        }
    }

    #[test]
    fn a_name_of_several_or_none_is_refused_with_a_list() {
        let (code, message) = chosen(&["form.py", "form.py", "Files"], "form.py").unwrap_err();
        assert_eq!(code, ErrorCode::InvalidArgument);
        assert!(message.contains("form.py (process 0), form.py (process 1);"), "{message}");
        let (code, message) = chosen(&["Files"], "Mail").unwrap_err();
        assert_eq!(code, ErrorCode::NotFound);
        assert!(message.contains("there are Files (process 0)"), "{message}");
        assert!(chosen(&[], "Mail").unwrap_err().1.contains("none takes part"));
    }
}
