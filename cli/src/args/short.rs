//! The tools that a person needs most, in a form that is quickly written.

use std::path::PathBuf;

use opendesk_std::desktop::Backend;

#[derive(Debug, clap::Args)]
pub(crate) struct Screenshot {
    /// The machine whose desktop is meant, or `local` [default: as for agents' calls]
    #[arg(long)]
    pub(crate) peer: Option<String>,
    /// Where to save it (PNG), or `-` for standard output [default: screenshot-MACHINE-TIME.png, here]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Only a part of the desktop, in desktop pixels
    #[arg(long, value_name = "X,Y,WIDTH,HEIGHT", allow_hyphen_values = true, value_parser = region)]
    pub(crate) region: Option<[f64; 4]>,
    /// Draw the mouse pointer into the picture
    #[arg(long)]
    pub(crate) cursor: bool,
    /// Keep every pixel that the desktop has, instead of scaling down to what vision models read well
    #[arg(long)]
    pub(crate) full_size: bool,
    /// The desktop that `local` means: auto, x11 or virtual
    #[arg(long, default_value_t)]
    pub(crate) backend: Backend,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Type {
    /// The text, or `-` for all of standard input, its last newline included: that is how a secret stays out of the list of
    /// processes. A text that begins with a dash goes behind `--`
    pub(crate) text: String,
    /// The machine whose desktop is meant, or `local` [default: as for agents' calls]
    #[arg(long)]
    pub(crate) peer: Option<String>,
    /// The desktop that `local` means: auto, x11 or virtual
    #[arg(long, default_value_t)]
    pub(crate) backend: Backend,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Click {
    /// How far from the left edge
    #[arg(allow_negative_numbers = true)]
    pub(crate) x: f64,
    /// How far from the top edge
    #[arg(allow_negative_numbers = true)]
    pub(crate) y: f64,
    /// What X and Y are counted in
    #[arg(long, value_enum, default_value_t = Pixels::Desktop)]
    pub(crate) pixels: Pixels,
    /// The mouse button
    #[arg(long, value_enum, default_value_t = ButtonName::Left)]
    pub(crate) button: ButtonName,
    /// Click twice; the left button only
    #[arg(long)]
    pub(crate) double: bool,
    /// The machine whose desktop is meant, or `local` [default: as for agents' calls]
    #[arg(long)]
    pub(crate) peer: Option<String>,
    /// The desktop that `local` means: auto, x11 or virtual
    #[arg(long, default_value_t)]
    pub(crate) backend: Backend,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Pixels {
    /// Pixels of the desktop
    Desktop,
    /// Pixels of the picture that `opendesk screenshot` takes without --region and --full-size. One is taken first, to
    /// learn how it is scaled
    Screenshot,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ButtonName {
    Left,
    Right,
    Middle,
}

fn region(text: &str) -> Result<[f64; 4], String> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|number| number.trim().parse()).collect();
    let four = numbers.ok().and_then(|numbers| <[f64; 4]>::try_from(numbers).ok());
    four.filter(|four| four.iter().all(|number| number.is_finite()))
        .ok_or_else(|| "a region is four numbers, such as 0,0,640,480".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_four_numbers() {
        assert_eq!(region("-1920, 0,640,480.5"), Ok([-1920.0, 0.0, 640.0, 480.5]));
        for text in ["", "1,2,3", "1,2,3,4,5", "1,2,3,x", "1,2,3,inf", "1 2 3 4"] {
            assert!(region(text).is_err(), "{text}");
        }
    }
}
