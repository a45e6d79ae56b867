//! The lines of a `.env` file. Every value is literal: nothing in it is replaced.
//!
//! ```text
//! # a comment
//! NAME=value                 # a comment after white space; the value has none
//! export NAME=value          # as shells write it
//! NAME='a $value # as it is' # also over several lines
//! NAME="two\nlines"          # \n \r \t \" \' \\ \$ and nothing else
//! ```

use std::{iter::Peekable, str::Chars};

/// A variable, and the line it stands on.
#[derive(Debug, PartialEq, Eq)]
pub struct Variable {
    pub name: String,
    pub value: String,
    pub line: usize,
}

/// Why a file cannot be used. The text shows no value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct LineError {
    line: usize,
    reason: String,
}

/// The longest name that an error shows; a longer one may be part of a secret.
const NAME_MAX: usize = 64;

/// Parses a file.
pub fn parse(text: &[u8]) -> Result<Vec<Variable>, LineError> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let text = std::str::from_utf8(text).map_err(|error| LineError {
        line: line_of(text, error.valid_up_to()),
        reason: "not valid UTF-8".to_owned(),
    })?;
    let mut parser = Parser { chars: text.chars().peekable(), line: 1 };
    let mut variables = Vec::new();
    while let Some(variable) = parser.next_variable()? {
        variables.push(variable);
    }
    Ok(variables)
}

fn line_of(text: &[u8], at: usize) -> usize {
    1 + text.iter().take(at).filter(|byte| **byte == b'\n').count()
}

struct Parser<'a> {
    chars: Peekable<Chars<'a>>,
    line: usize,
}

impl Parser<'_> {
    fn next_variable(&mut self) -> Result<Option<Variable>, LineError> {
        loop {
            self.skip_blank();
            match self.peek() {
                None => return Ok(None),
                Some('\n') => {
                    self.next();
                }
                Some('#') => self.skip_line(),
                Some(_) => return self.variable().map(Some),
            }
        }
    }

    fn variable(&mut self) -> Result<Variable, LineError> {
        let line = self.line;
        let mut name = self.word();
        if name == "export" && self.peek().is_some_and(is_blank) {
            self.skip_blank();
            name = self.word();
        }
        self.skip_blank();
        if self.peek() != Some('=') || !is_name(&name) {
            return Err(Self::error(line, "expected NAME=value"));
        }
        self.next();
        let spaced = self.skip_blank();
        let value = match self.peek() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote, &name)?,
            _ => self.unquoted(spaced, &name)?,
        };
        if value.contains('\0') {
            return Err(Self::error(line, format!("{}: NUL in the value", shown(&name))));
        }
        Ok(Variable { name, value, line })
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(char) = self.peek().filter(|char| !is_blank(*char) && !"=\n".contains(*char))
        {
            word.push(char);
            self.next();
        }
        word
    }

    /// The rest of the line, up to a comment after white space. White space within a value is
    /// probably a mistake, such as a forgotten quote or line break.
    fn unquoted(&mut self, spaced: bool, name: &str) -> Result<String, LineError> {
        let line = self.line;
        let (mut value, mut after_blank) = (String::new(), spaced);
        while let Some(char) = self.peek().filter(|char| *char != '\n') {
            if char == '#' && after_blank {
                self.skip_line();
                break;
            }
            after_blank = is_blank(char);
            value.push(char);
            self.next();
        }
        let value = value.trim();
        if value.contains(char::is_whitespace) {
            let reason =
                format!("{}: white space in the value; put it in single quotes", shown(name));
            return Err(Self::error(line, reason));
        }
        Ok(value.to_owned())
    }

    fn quoted(&mut self, quote: char, name: &str) -> Result<String, LineError> {
        let (line, mut value) = (self.line, String::new());
        self.next();
        loop {
            match self.next() {
                None => {
                    let reason = format!("{}: the quote {quote} is not closed", shown(name));
                    return Err(Self::error(line, reason));
                }
                Some(char) if char == quote => break,
                Some('\\') if quote == '"' => value.push(self.escape(name)?),
                // As the line would be without the other system's line end.
                Some('\r') if self.peek() == Some('\n') => {}
                Some(char) => value.push(char),
            }
        }
        self.skip_blank();
        match self.peek() {
            None | Some('\n') => Ok(value),
            Some('#') => {
                self.skip_line();
                Ok(value)
            }
            Some(_) => {
                let reason = format!("{}: text after the closing quote {quote}", shown(name));
                Err(Self::error(self.line, reason))
            }
        }
    }

    fn escape(&mut self, name: &str) -> Result<char, LineError> {
        let line = self.line;
        match self.next() {
            Some('n') => Ok('\n'),
            Some('r') => Ok('\r'),
            Some('t') => Ok('\t'),
            Some(char @ ('"' | '\'' | '\\' | '$')) => Ok(char),
            _ => {
                let reason =
                    "unknown escape after \\ in double quotes; in single quotes, \\ is literal";
                Err(Self::error(line, format!("{}: {reason}", shown(name))))
            }
        }
    }

    fn peek(&mut self) -> Option<char> {
        self.chars.peek().copied()
    }

    fn next(&mut self) -> Option<char> {
        let char = self.chars.next()?;
        self.line += usize::from(char == '\n');
        Some(char)
    }

    /// Skips spaces within the line; returns whether there were any.
    fn skip_blank(&mut self) -> bool {
        let mut skipped = false;
        while self.peek().is_some_and(is_blank) {
            self.next();
            skipped = true;
        }
        skipped
    }

    fn skip_line(&mut self) {
        while self.peek().is_some_and(|char| char != '\n') {
            self.next();
        }
    }

    fn error(line: usize, reason: impl Into<String>) -> LineError {
        LineError { line, reason: reason.into() }
    }
}

fn is_blank(char: char) -> bool {
    char != '\n' && char.is_whitespace()
}

fn is_name(word: &str) -> bool {
    !word.starts_with(|first: char| first.is_ascii_digit())
        && !word.is_empty()
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The name, unless it is so long that it may be a secret.
fn shown(name: &str) -> &str {
    if name.len() <= NAME_MAX { name } else { "a variable" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<(String, String)> {
        let variables = parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        variables.into_iter().map(|variable| (variable.name, variable.value)).collect()
    }

    #[test]
    fn values_are_literal() {
        for (text, expected) in [
            ("A=aaaa$bbbb", "aaaa$bbbb"),
            ("A=${HOME}$HOME$$", "${HOME}$HOME$$"),
            ("A=\"x$HOME${A}\"", "x$HOME${A}"),
            ("A='x$HOME\\n'", "x$HOME\\n"),
            ("A=a\\nb\\", "a\\nb\\"),
            ("A=a\"b'c", "a\"b'c"),
            ("A='a b  c '", "a b  c "),
            ("A= \ta \t", "a"),
            ("A=a=b=c", "a=b=c"),
            ("A=`id`$(id)", "`id`$(id)"),
            ("A=a#b", "a#b"),
            ("A=#a", "#a"),
            ("A=a # b", "a"),
            ("A= # b", ""),
            ("A=", ""),
            ("A=''", ""),
            ("A=\"a # b\" # c", "a # b"),
            ("A='a'#c", "a"),
            ("A=\"\\\"\\\\\\$\\n\\t\"", "\"\\$\n\t"),
            ("  export  A  =  a", "a"),
            ("export\tA=a", "a"),
            ("\u{feff}A=a", "a"),
            ("A=a\r\n", "a"),
            ("A='a'\r\n", "a"),
            ("A=ä€🎫", "ä€🎫"),
        ] {
            assert_eq!(values(text), [("A".to_owned(), expected.to_owned())], "{text:?}");
        }
        assert_eq!(values("export=a"), [("export".to_owned(), "a".to_owned())]);
    }

    #[test]
    fn lines_comments_and_quotes_over_lines() {
        let text = "# first\r\n\r\nA=1\r\n  # B=2\nB='two\r\nlines # here'\n\n\tC=3 #\nA=4";
        let variables = parse(text.as_bytes()).expect("well-formed");
        let found: Vec<_> = variables
            .iter()
            .map(|variable| (variable.name.as_str(), variable.value.as_str(), variable.line))
            .collect();
        assert_eq!(
            found,
            [("A", "1", 3), ("B", "two\nlines # here", 5), ("C", "3", 8), ("A", "4", 9)]
        );
        assert_eq!(values(""), []);
        assert_eq!(values("\n \n#"), []);
    }

    #[test]
    fn errors_give_line_and_reason_and_no_value() {
        for (text, line, reason) in [
            ("A=1\nsecret words", 2, "expected NAME=value"),
            ("A 1=secret", 1, "expected NAME=value"),
            ("1A=secret", 1, "expected NAME=value"),
            ("A-B=secret", 1, "expected NAME=value"),
            ("=secret", 1, "expected NAME=value"),
            ("export", 1, "expected NAME=value"),
            ("A=1\nB='secret\nC=2\n", 2, "B: the quote ' is not closed"),
            ("A=\"secret", 1, "A: the quote \" is not closed"),
            ("\nA='secret' secret", 2, "A: text after the closing quote '"),
            ("A='one\ntwo'secret", 2, "A: text after the closing quote '"),
            (
                "A=\"secret\\d\"",
                1,
                "A: unknown escape after \\ in double quotes; in single quotes, \\ is literal",
            ),
            ("A=secret secret", 1, "A: white space in the value; put it in single quotes"),
            (
                "A=1\nA=secret\tsecret # x",
                2,
                "A: white space in the value; put it in single quotes",
            ),
            ("A=secret\0", 1, "A: NUL in the value"),
        ] {
            let error = parse(text.as_bytes()).expect_err(text).to_string();
            assert_eq!(error, format!("line {line}: {reason}"), "{text:?}");
        }
        let latin1 = parse(b"A=1\nB=secret\xe4").expect_err("not UTF-8").to_string();
        assert_eq!(latin1, "line 2: not valid UTF-8");
        let utf16 = parse(b"\xff\xfeA\0=\0\x31\0").expect_err("not UTF-8").to_string();
        assert_eq!(utf16, "line 1: not valid UTF-8");
        let long = format!("{}='x", "A".repeat(65));
        assert!(!parse(long.as_bytes()).expect_err("long").to_string().contains("AAA"));
    }
}
