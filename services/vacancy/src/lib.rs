//! vacancy
