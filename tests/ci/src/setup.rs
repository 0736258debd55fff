//! What a bare Debian 12 machine that has only Rust needs before the tests can run.

use std::fs;

use crate::command::{Failure, Outcome, Repo, capture, line, read, run};

const PACKAGES: [&str; 28] = [
    "xvfb",
    "openbox",
    "xdotool",
    "xclip",
    "wmctrl",
    "xterm",
    "x11-utils",
    "x11-xserver-utils",
    "xfonts-base",
    "fonts-dejavu-core",
    "python3",
    "python3-tk",
    "python3-venv",
    "dbus",
    "libglib2.0-bin",
    "at-spi2-core",
    "python3-gi",
    "gir1.2-gtk-3.0",
    "chromium",
    "tesseract-ocr",
    "tesseract-ocr-eng",
    "xauth",
    "zenity",
    "systemd",
    "mandoc",
    "iproute2",
    "nftables",
    "l3afpad",
];

const INSTALL: [&str; 5] = ["install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"];

/// The Python environments, at the places where the tests look for them, and what each must hold, at one version. The
/// Python package of version 1 and LangChain want an older MCP client than the one that agents use, so they have their own.
const ENVIRONMENTS: [(&str, &str); 3] = [
    ("target/venv", "tests/mcp/requirements.txt"),
    ("target/venv-sdk", "tests/mcp/requirements-sdk.txt"),
    ("target/venv-peer", "tests/interop/requirements.txt"),
];

/// The packages of JavaScript, at the place where the tests look for them, and the folder with what it must hold.
const JAVASCRIPT: (&str, &str) = ("target/npm", "tests/mcp");

/// The files of [`JAVASCRIPT`] that say what it holds, each at one version.
const LOCKED: [&str; 2] = ["package.json", "package-lock.json"];

pub(crate) fn setup(repo: &Repo) -> Outcome {
    need(repo, &PACKAGES)?;
    javascript(repo)?;
    for (venv, requirements) in ENVIRONMENTS {
        python(repo, venv, requirements)?;
    }
    Ok(None)
}

fn is_installed(repo: &Repo, package: &str) -> Result<bool, Failure> {
    let query = capture(repo.program("dpkg-query").args(["-W", "-f=${Status}\n", package]))?;
    Ok(query.success && query.stdout.lines().any(|status| status == "install ok installed"))
}

/// Makes sure that these packages of Debian are installed.
pub(crate) fn need(repo: &Repo, packages: &[&'static str]) -> Result<(), Failure> {
    let mut missing = Vec::new();
    for package in packages {
        let is_there = is_installed(repo, package).map_err(|failure| {
            Failure::new(format!("{failure}; without Debian's packages, install by hand what {packages:?} hold"))
        })?;
        if !is_there {
            missing.push(*package);
        }
    }
    if missing.is_empty() {
        println!("every Debian package is there");
        return Ok(());
    }
    install(repo, &missing)
}

fn install(repo: &Repo, packages: &[&str]) -> Result<(), Failure> {
    let mut install = repo.program("apt-get");
    install.args(INSTALL).args(packages).env("DEBIAN_FRONTEND", "noninteractive");
    if read(repo.program("id").arg("-u"))?.trim() != "0" {
        return Err(Failure::new(format!(
            "Debian packages are missing; run: sudo apt-get update && sudo {}",
            line(&install)
        )));
    }
    run(repo.program("apt-get").arg("update").env("DEBIAN_FRONTEND", "noninteractive"))?;
    run(&mut install)
}

fn python(repo: &Repo, name: &str, requirements: &str) -> Result<(), Failure> {
    let venv = repo.root.join(name);
    let stamp = venv.join("requirements.txt");
    let file = repo.root.join(requirements);
    let wanted = fs::read_to_string(&file).map_err(Failure::at(&file))?;
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        println!("the Python environment {name} is there");
        return Ok(());
    }
    if venv.exists() {
        fs::remove_dir_all(&venv).map_err(Failure::at(&venv))?;
    }
    run(repo.program("python3").args(["-m", "venv"]).arg(&venv))?;
    run(repo
        .program(venv.join("bin/python"))
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "-r"])
        .arg(requirements))?;
    fs::write(&stamp, &wanted).map_err(Failure::at(&stamp))
}

/// npm comes with Node.js, from Debian or from elsewhere; what the tests run is the Node.js that is among the packages.
fn javascript(repo: &Repo) -> Result<(), Failure> {
    let (place, source) = JAVASCRIPT;
    let folder = repo.root.join(place);
    // npm writes it last.
    let mut is_there = folder.join("node_modules/.package-lock.json").is_file();
    for name in LOCKED {
        let wanted = repo.root.join(source).join(name);
        let text = fs::read_to_string(&wanted).map_err(Failure::at(&wanted))?;
        is_there &= fs::read_to_string(folder.join(name)).is_ok_and(|installed| installed == text);
    }
    if is_there {
        println!("the JavaScript packages {place} are there");
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Failure::at(&folder))?;
    }
    fs::create_dir_all(&folder).map_err(Failure::at(&folder))?;
    for name in LOCKED {
        let copy = folder.join(name);
        fs::copy(repo.root.join(source).join(name), &copy).map_err(Failure::at(&copy))?;
    }
    if capture(repo.program("npm").arg("--version")).is_err() {
        install(repo, &["npm"])?;
    }
    // Started there: with `--prefix` npm would read no configuration of the machine.
    run(repo.program("npm").args(["ci", "--no-fund", "--no-audit", "--ignore-scripts"]).current_dir(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_javascript_package_is_pinned_to_one_version() {
        let text = fs::read_to_string(Repo::here().root.join(JAVASCRIPT.1).join(LOCKED[0])).unwrap();
        let (_, dependencies) = text.split_once("\"dependencies\": {").unwrap();
        let lines: Vec<&str> = dependencies.lines().map(str::trim).filter(|line| line.starts_with('"')).collect();
        assert!(lines.iter().any(|line| line.contains("conformance")), "{lines:?}");
        for line in lines {
            let (_, version) = line.split_once("\": \"").unwrap_or_else(|| panic!("{line}"));
            assert!(version.starts_with(|first: char| first.is_ascii_digit()), "{line} is not pinned");
        }
    }

    #[test]
    fn every_requirement_is_pinned_to_one_version() {
        for ((_, file), needed) in ENVIRONMENTS.into_iter().zip(["mcp==", "anthropic==", "opendesk[remote]=="]) {
            let requirements = fs::read_to_string(Repo::here().root.join(file)).unwrap();
            let pins: Vec<&str> = requirements.lines().filter(|line| !line.starts_with('#')).collect();
            assert!(pins.iter().any(|pin| pin.starts_with(needed)), "{pins:?}");
            for pin in pins {
                let (name, version) = pin.split_once("==").unwrap_or_else(|| panic!("`{pin}` is not pinned"));
                assert!(!name.is_empty() && !version.is_empty() && !version.contains('*'), "`{pin}`");
            }
        }
    }
}
