//! Parsing of a crate, file by file, into its modules.

use std::path::{Path, PathBuf};

use syn::{Item, Visibility, visit::Visit};

use super::{
    collect::{Collector, is_for_tests},
    tree::{Crate, Module, Name, Segments},
};

/// A crate that cannot be parsed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A module without a file.
    #[error("{file} declares the module {module}, which has no file")]
    Missing {
        /// The file with the declaration.
        file: String,
        /// The name of the module.
        module: String,
    },
    /// A file that is not Rust.
    #[error("{file}: {error}")]
    Syntax {
        /// The file.
        file: String,
        /// What the parser says.
        error: syn::Error,
    },
}

/// Parses the crate whose root is `file`; `read` returns the text of a file, or `None` when there
/// is no such file.
///
/// # Errors
/// When a module has no file, or a file is not Rust.
pub fn load(file: &Path, read: &dyn Fn(&Path) -> Option<String>) -> Result<Crate, ImportError> {
    let mut loader = Loader { read, found: Crate::default() };
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    let text = read(file).ok_or_else(|| missing(file, "crate"))?;
    loader.file(Segments::new(), file, &folder, &text)?;
    Ok(loader.found)
}

fn missing(file: &Path, module: &str) -> ImportError {
    ImportError::Missing { file: file.display().to_string(), module: module.to_owned() }
}

struct Loader<'a> {
    read: &'a dyn Fn(&Path) -> Option<String>,
    found: Crate,
}

impl Loader<'_> {
    fn file(
        &mut self,
        module: Segments,
        file: &Path,
        folder: &Path,
        text: &str,
    ) -> Result<(), ImportError> {
        let name = file.display().to_string();
        let parsed = syn::parse_file(text)
            .map_err(|error| ImportError::Syntax { file: name.clone(), error })?;
        if parsed.items.iter().all(only_declares) {
            self.found.facades.insert(name);
        }
        self.items(module, file, folder, &parsed.items)
    }

    fn items(
        &mut self,
        path: Segments,
        file: &Path,
        folder: &Path,
        items: &[Item],
    ) -> Result<(), ImportError> {
        let mut module = Module { file: file.display().to_string(), ..Module::default() };
        for item in items.iter().filter(|item| !is_for_tests(attributes(item))) {
            if let Item::Mod(child) = item {
                let name = child.ident.to_string();
                let child_path = [path.as_slice(), std::slice::from_ref(&name)].concat();
                let child_folder = folder.join(&name);
                module.add(&name, Name::Module(child_path.clone()));
                if let Some((_, items)) = &child.content {
                    self.items(child_path, file, &child_folder, items)?;
                } else {
                    let (child_file, text) =
                        self.find(folder, &name).ok_or_else(|| missing(file, &name))?;
                    self.file(child_path, &child_file, &child_folder, &text)?;
                }
                continue;
            }
            if let Some(name) = defined(item) {
                module.add(name, Name::Item);
            }
            Collector { module: &mut module, reexport: is_reexport(item) }.visit_item(item);
        }
        self.found.modules.insert(path, module);
        Ok(())
    }

    fn find(&self, folder: &Path, name: &str) -> Option<(PathBuf, String)> {
        [folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs")]
            .into_iter()
            .find_map(|file| (self.read)(&file).map(|text| (file, text)))
    }
}

fn only_declares(item: &Item) -> bool {
    match item {
        Item::Mod(module) => module.content.is_none() || is_for_tests(&module.attrs),
        Item::Use(_) | Item::ExternCrate(_) => true,
        _ => false,
    }
}

fn is_reexport(item: &Item) -> bool {
    matches!(item, Item::Use(item) if !matches!(item.vis, Visibility::Inherited))
}

fn defined(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

fn attributes(item: &Item) -> &[syn::Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
