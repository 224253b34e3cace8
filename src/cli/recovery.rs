//! A recovery key on its way to paper: text and QR code, on the terminal or in a file. It is made here, shown once and kept nowhere.

use std::path::Path;

use kith_base::Secret;
use qrcode::{QrCode, render::svg, render::unicode};
use serde_json::{Value as Json, json};

use super::{CliError, Common, Outcome, print, secrets};

/// A new recovery key.
pub struct Key {
    /// `AGE-SECRET-KEY-1…`
    pub secret: Secret<String>,
    pub recipient: String,
}

impl Key {
    pub fn new() -> Key {
        let (text, recipient) = kith_store::new_identity();
        let line = text.expose().lines().find(|line| line.starts_with("AGE-SECRET-KEY-")).unwrap_or_default();
        Key { secret: Secret::new(line.to_string()), recipient }
    }
}

/// The request that lets a key open the vault.
pub fn addition(label: &str, key: &Key) -> Json {
    json!({"label": label, "recipient": key.recipient, "recovery": true})
}

/// Where the text is looked at: ink is dark on paper, letters are bright on most screens.
#[derive(Clone, Copy)]
enum Medium {
    Paper,
    Screen,
}

const WORDS: [&str; 5] = [
    "This key opens the vault when all other keys are lost. Print it or write it down, and keep it in a safe place away from the server.",
    "Whoever has it and a copy of the data folder or of a backup can read everything.",
    "To use it: put the line that begins with AGE-SECRET-KEY- into a file, start Kith with --key-file FILE,",
    "add a new server key with 'kith key add \"new server\" --make NEWFILE', restart with --key-file NEWFILE,",
    "and remove the lost key with 'kith key remove LABEL' ('kith key list' shows the labels).",
];

/// Makes a key and writes it to a new file: an image to print when its name ends in `.svg`, else text.
pub fn write(path: &Path, common: &Common) -> Outcome<Key> {
    let key = Key::new();
    let text = if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("svg")) {
        image(&key)?
    } else {
        page(&key, Medium::Paper)?
    };
    secrets::write_new(path, &text, common)?;
    Ok(key)
}

/// Tells the person what to do with it; shows it when it is in no file.
pub fn show(key: &Key, output: Option<&Path>, common: &Common) -> Outcome {
    if common.json {
        let mut shown = json!({"recipient": key.recipient});
        match output {
            Some(path) => shown["file"] = json!(path),
            None => shown["recovery_key"] = json!(key.secret.expose()),
        }
        print::json(&shown);
        return Ok(());
    }
    match output {
        Some(path) => print::line(&format!(
            "The recovery key is in {}. Print it, keep the paper in a safe place away from the server, and delete the file.",
            path.display()
        )),
        None => print::line(page(key, Medium::Screen)?.expose()),
    }
    Ok(())
}

fn code(key: &Key) -> Outcome<QrCode> {
    let failed = |error| CliError::failed("cli.qr_code", format!("the QR code cannot be made: {error}"));
    QrCode::new(key.secret.expose().as_bytes()).map_err(failed)
}

/// The key as text, for a terminal or a file. Opens the vault as a key file as it is: all other lines are comments.
fn page(key: &Key, shown_on: Medium) -> Outcome<Secret<String>> {
    let (dark, light) = match shown_on {
        Medium::Paper => (unicode::Dense1x2::Dark, unicode::Dense1x2::Light),
        // Letters are the bright part of most terminals.
        Medium::Screen => (unicode::Dense1x2::Light, unicode::Dense1x2::Dark),
    };
    let drawn = code(key)?.render::<unicode::Dense1x2>().dark_color(dark).light_color(light).build();
    let mut text = String::from("# Kith recovery key\n#\n");
    drawn.lines().for_each(|line| text.push_str(&format!("# {line}\n")));
    text.push_str("#\n");
    WORDS.iter().for_each(|line| text.push_str(&format!("# {line}\n")));
    text.push_str(&format!("#\n# public key: {}\n{}\n", key.recipient, key.secret.expose()));
    Ok(Secret::new(text))
}

/// The key as an image to print.
fn image(key: &Key) -> Outcome<Secret<String>> {
    let drawn = code(key)?.render::<svg::Color<'_>>().min_dimensions(360, 360).build();
    let Some((_, inner)) = drawn.split_once("<svg") else {
        return Err(CliError::failed("cli.qr_code", "the QR code cannot be drawn"));
    };
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1000 700\" font-family=\"sans-serif\">\n\
         <rect width=\"1000\" height=\"700\" fill=\"#fff\"/>\n<text x=\"40\" y=\"60\" font-size=\"30\">Kith recovery key</text>\n",
    );
    text.push_str(&format!("<svg x=\"40\" y=\"90\" {}\n", inner.trim_start()));
    let lines = WORDS.iter().map(|line| escaped(line));
    for (line, at) in lines.zip(0..) {
        let y = 510 + at * 26;
        text.push_str(&format!("<text x=\"40\" y=\"{y}\" font-size=\"14\">{line}</text>\n"));
    }
    let secret = key.secret.expose();
    text.push_str(&format!(
        "<text x=\"40\" y=\"670\" font-size=\"15\" font-family=\"monospace\">{secret}</text>\n</svg>\n"
    ));
    Ok(Secret::new(text))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_a_key_file_and_every_other_line_a_comment() {
        let key = Key::new();
        let text = page(&key, Medium::Paper).unwrap();
        let plain: Vec<&str> = text.expose().lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(plain, [key.secret.expose().as_str()]);
        assert!(text.expose().contains('█') && text.expose().contains(&key.recipient));
    }

    #[test]
    fn the_image_is_whole_and_holds_the_key_as_text() {
        let key = Key::new();
        let text = image(&key).unwrap();
        assert_eq!(text.expose().matches("<svg").count(), text.expose().matches("</svg>").count());
        assert!(text.expose().contains(key.secret.expose().as_str()) && text.expose().contains("<path"));
        assert_eq!(text.expose().matches("<?xml").count(), 1);
    }
}
