//! A program that asks for the clipboard by hand, in ways that xclip does not.

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ConnectionExt as _, CreateWindowAux, GetPropertyReply, PropMode, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;
use x11rb::{CURRENT_TIME, NONE};

use crate::wait_until;

const SERVER: &str = "the X server answers";

/// It is gone, as a program that dies is, when the value is dropped.
pub(super) struct Asker {
    x: RustConnection,
    window: Window,
}

impl Asker {
    pub(super) fn start(display: &str) -> Self {
        let (x, screen) = RustConnection::connect(Some(display)).expect(SERVER);
        let root = x.setup().roots[screen].root;
        let window = x.generate_id().expect(SERVER);
        let (class, none) = (WindowClass::INPUT_ONLY, CreateWindowAux::new());
        x.create_window(0, window, root, 0, 0, 1, 1, 0, class, 0, &none).expect(SERVER).check().expect(SERVER);
        Self { x, window }
    }

    fn atom(&self, name: &str) -> Atom {
        self.x.intern_atom(false, name.as_bytes()).expect(SERVER).reply().expect(SERVER).atom
    }

    /// Asks for something on the clipboard, and waits for the answer: whether something is given.
    fn ask(&self, target: &str, property: Atom) -> bool {
        self.ask_for("CLIPBOARD", target, property)
    }

    /// Asks the one who keeps what others leave to do so, as if the clipboard were this program's; whether it does.
    pub(super) fn has_it_kept(&self) -> bool {
        self.ask_for("CLIPBOARD_MANAGER", "SAVE_TARGETS", self.atom("KEPT"))
    }

    fn ask_for(&self, selection: &str, target: &str, property: Atom) -> bool {
        let (selection, target) = (self.atom(selection), self.atom(target));
        self.x.convert_selection(self.window, selection, target, property, CURRENT_TIME).expect(SERVER);
        self.x.flush().expect(SERVER);
        let mut answer = None;
        wait_until("the owner answers", || {
            while let Some(event) = self.x.poll_for_event().expect(SERVER) {
                if let Event::SelectionNotify(notify) = event {
                    answer = Some(notify.property != NONE);
                }
            }
            answer.is_some()
        });
        answer == Some(true)
    }

    /// Takes what is in a property, which is deleted with it. `None` while there is nothing.
    fn take(&self, property: Atom) -> Option<GetPropertyReply> {
        let taken = self.x.get_property(true, self.window, property, AtomEnum::ANY, 0, u32::MAX / 4).expect(SERVER);
        Some(taken.reply().expect(SERVER)).filter(|reply| reply.type_ != NONE)
    }

    fn await_piece(&self, property: Atom) -> GetPropertyReply {
        let mut piece = None;
        wait_until("a piece comes", || {
            piece = self.take(property);
            piece.is_some()
        });
        piece.expect("it was waited for")
    }

    /// Asks for something large and takes its first piece and no other; whether it got one.
    pub(super) fn takes_one_piece(&self, target: &str) -> bool {
        let property = self.atom("PIECE");
        if !self.ask(target, property) {
            return false;
        }
        assert_eq!(self.await_piece(property).type_, self.atom("INCR"));
        assert!(!self.await_piece(property).value.is_empty());
        true
    }

    /// Asks for several targets in one question, and gives what came, in the order of the question.
    pub(super) fn ask_for_several(&self, targets: &[&str]) -> Vec<(String, Vec<u8>)> {
        let (question, pair) = (self.atom("QUESTION"), self.atom("ATOM_PAIR"));
        let place = |asker: &Self, target: &str| asker.atom(&format!("ANSWER {target}"));
        let pairs: Vec<Atom> = targets.iter().flat_map(|target| [self.atom(target), place(self, target)]).collect();
        self.x.change_property32(PropMode::REPLACE, self.window, question, pair, &pairs).expect(SERVER);
        assert!(self.ask("MULTIPLE", question));
        let answered = self.take(question).expect("the question is answered in its place");
        let places: Vec<Atom> = answered.value32().expect("pairs of numbers").skip(1).step_by(2).collect();
        let mut given = Vec::new();
        for (target, place) in targets.iter().zip(places).filter(|(_, place)| *place != NONE) {
            let whole = self.await_piece(place);
            let mut data = whole.value;
            if whole.type_ == self.atom("INCR") {
                data.clear();
                loop {
                    let piece = self.await_piece(place).value;
                    if piece.is_empty() {
                        break;
                    }
                    data.extend(piece);
                }
            }
            given.push(((*target).to_owned(), data));
        }
        given
    }
}
