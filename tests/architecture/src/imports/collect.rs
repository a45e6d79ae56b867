//! Paths and `use` declarations in the code of a module.

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, Meta, UseTree,
    visit::{self, Visit},
};

use super::tree::{Module, Name, Segments};

/// Adds what it visits to `module`.
pub(super) struct Collector<'a> {
    pub module: &'a mut Module,
    /// Whether a `use` that is visited has a visibility of its own.
    pub reexport: bool,
}

/// Whether an item is compiled for tests alone.
pub(super) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => list.tokens.to_string() == "test",
        meta => meta.path().is_ident("test"),
    })
}

impl Collector<'_> {
    fn imports(&mut self, tree: &UseTree, before: &[String]) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        let reexport = self.reexport;
        match tree {
            UseTree::Path(path) => self.imports(&path.tree, &with(&path.ident)),
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.imports(tree, before));
            }
            UseTree::Name(name) if name.ident == "self" => {
                if let Some(last) = before.last() {
                    self.module.add(last, Name::Import { path: before.to_vec(), reexport });
                }
            }
            UseTree::Name(name) => self
                .module
                .add(name.ident.to_string(), Name::Import { path: with(&name.ident), reexport }),
            UseTree::Rename(name) => {
                let path = if name.ident == "self" { before.to_vec() } else { with(&name.ident) };
                self.module.add(name.rename.to_string(), Name::Import { path, reexport });
            }
            UseTree::Glob(_) => self.module.globs.push(before.to_vec()),
        }
    }

    /// Paths in the tokens of a macro or an attribute, in string literals of attributes, too.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path = Segments::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) if colons == 2 => path.push(name.to_string()),
                TokenTree::Ident(name) => {
                    self.path(&mut path);
                    path.push(name.to_string());
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' && !path.is_empty() => {
                    colons += 1;
                    continue;
                }
                other => {
                    self.path(&mut path);
                    match other {
                        TokenTree::Group(group) => self.tokens(group.stream()),
                        TokenTree::Literal(literal) => self.literal(&literal.to_string()),
                        _ => {}
                    }
                }
            }
            colons = 0;
        }
        self.path(&mut path);
    }

    fn literal(&mut self, literal: &str) {
        let text = literal.trim_matches('"');
        if ["crate::", "super::", "self::"].iter().any(|start| text.starts_with(start)) {
            self.module.paths.insert(text.split("::").map(str::to_owned).collect());
        }
    }

    fn path(&mut self, path: &mut Segments) {
        if !path.is_empty() {
            self.module.paths.insert(std::mem::take(path));
        }
    }
}

impl<'ast> Visit<'ast> for Collector<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if item.leading_colon.is_none() {
            self.imports(&item.tree, &[]);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_for_tests(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.module.paths.insert(segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
        }
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.visit_path(&called.path);
        self.tokens(called.tokens.clone());
    }

    // `pub(in crate::a)` uses nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
}
