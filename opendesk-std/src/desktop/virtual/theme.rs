//! Colours, and measures in pixels.

use super::paint::Color;

/// Height of the panel at the bottom of the screen.
pub(super) const PANEL: i32 = 36;
/// Height of a window's title bar.
pub(super) const TITLE: i32 = 30;
/// Edge of a window's close button.
pub(super) const CLOSE: i32 = 20;
/// Height of a menu bar.
pub(super) const MENU_BAR: i32 = 28;
/// Width of a text caret.
pub(super) const CARET: i32 = 2;

pub(super) const SKY: Color = Color::hex(0x1F_3B_5C);
pub(super) const GROUND: Color = Color::hex(0x3E_7C_8F);
pub(super) const WORDMARK: Color = Color::hex(0x6F_A3_B0);

pub(super) const PANEL_BACK: Color = Color::hex(0x18_22_30);
pub(super) const PANEL_EDGE: Color = Color::hex(0x33_42_56);
pub(super) const PANEL_TEXT: Color = Color::hex(0xE4_EA_F0);
pub(super) const PANEL_DIM: Color = Color::hex(0x8C_9A_AA);
pub(super) const LOCK_BACK: Color = Color::hex(0x10_18_24);
pub(super) const TASK_OPEN: Color = Color::hex(0x26_34_46);
pub(super) const TASK_ACTIVE: Color = Color::hex(0x3A_4D_66);

/// What has the keyboard, is chosen or is meant to be seen first.
pub(super) const ACCENT: Color = Color::hex(0x2F_6F_D0);
pub(super) const ON_ACCENT: Color = Color::hex(0xFF_FF_FF);
pub(super) const WARNING: Color = Color::hex(0xC9_3C_37);

pub(super) const BORDER_ACTIVE: Color = Color::hex(0x24_4E_8E);
pub(super) const BORDER_IDLE: Color = Color::hex(0x9A_A2_AC);
pub(super) const TITLE_IDLE: Color = Color::hex(0xC9_CE_D5);
pub(super) const TITLE_IDLE_TEXT: Color = Color::hex(0x5A_63_6E);

pub(super) const FACE: Color = Color::hex(0xF1_F3_F5);
pub(super) const PAPER: Color = Color::hex(0xFF_FF_FF);
pub(super) const TEXT: Color = Color::hex(0x1C_22_29);
pub(super) const DIM_TEXT: Color = Color::hex(0x5F_69_74);
pub(super) const LINE: Color = Color::hex(0xB4_BC_C5);
pub(super) const BUTTON: Color = Color::hex(0xFD_FD_FE);
pub(super) const BUTTON_DOWN: Color = Color::hex(0xCB_D3_DC);
pub(super) const SELECTION: Color = Color::hex(0xB3_D1_F7);
pub(super) const TROUGH: Color = Color::hex(0xE3_E7_EB);
pub(super) const THUMB: Color = Color::hex(0xA6_AF_B9);
pub(super) const BLACK: Color = Color::hex(0x00_00_00);
