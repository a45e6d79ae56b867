/// The CustomResourceDefinition as YAML.
///
/// # Errors
/// When it cannot be written as YAML.
pub fn render() -> Result<String, serde_saphyr::ser::Error> {
    serde_saphyr::to_string(&crate::api::crd())
}
