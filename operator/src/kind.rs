//! The kinds of child objects, the components, and the closed set of names children can have.

use k8s_openapi::api::{
    apps::v1::Deployment,
    autoscaling::v2::HorizontalPodAutoscaler,
    core::v1::{ConfigMap, PersistentVolumeClaim, Secret, Service, ServiceAccount},
    networking::v1::{Ingress, NetworkPolicy},
    policy::v1::PodDisruptionBudget,
};
use kube::core::{ApiResource, GroupVersionKind};

use crate::{role::Role, signing_keys};

/// Name of the HTTP port on every container and Service.
pub const PORT_NAME: &str = "http";

/// A kind of child object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    ServiceAccount,
    Secret,
    PersistentVolumeClaim,
    ConfigMap,
    Service,
    Deployment,
    HorizontalPodAutoscaler,
    PodDisruptionBudget,
    NetworkPolicy,
    Ingress,
    ServiceMonitor,
}

impl Kind {
    pub const ALL: [Self; 11] = [
        Self::ServiceAccount,
        Self::Secret,
        Self::PersistentVolumeClaim,
        Self::ConfigMap,
        Self::Service,
        Self::Deployment,
        Self::HorizontalPodAutoscaler,
        Self::PodDisruptionBudget,
        Self::NetworkPolicy,
        Self::Ingress,
        Self::ServiceMonitor,
    ];

    /// Whether children of this kind are watched. Watching Secrets would need the right to read
    /// every Secret of the cluster, and the kind ServiceMonitor may not exist. Children of both
    /// kinds are read by name at every resync instead.
    pub fn is_watched(self) -> bool {
        !matches!(self, Self::Secret | Self::ServiceMonitor)
    }

    /// Whether each component has its own child of this kind.
    pub fn is_per_component(self) -> bool {
        matches!(
            self,
            Self::ConfigMap
                | Self::Service
                | Self::Deployment
                | Self::HorizontalPodAutoscaler
                | Self::PodDisruptionBudget
                | Self::NetworkPolicy
        )
    }

    /// The kind as Kubernetes spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServiceAccount => "ServiceAccount",
            Self::Secret => "Secret",
            Self::PersistentVolumeClaim => "PersistentVolumeClaim",
            Self::ConfigMap => "ConfigMap",
            Self::Service => "Service",
            Self::Deployment => "Deployment",
            Self::HorizontalPodAutoscaler => "HorizontalPodAutoscaler",
            Self::PodDisruptionBudget => "PodDisruptionBudget",
            Self::NetworkPolicy => "NetworkPolicy",
            Self::Ingress => "Ingress",
            Self::ServiceMonitor => "ServiceMonitor",
        }
    }

    /// Group, version and plural of the kind.
    pub fn api_resource(self) -> ApiResource {
        match self {
            Self::ServiceAccount => ApiResource::erase::<ServiceAccount>(&()),
            Self::Secret => ApiResource::erase::<Secret>(&()),
            Self::PersistentVolumeClaim => ApiResource::erase::<PersistentVolumeClaim>(&()),
            Self::ConfigMap => ApiResource::erase::<ConfigMap>(&()),
            Self::Service => ApiResource::erase::<Service>(&()),
            Self::Deployment => ApiResource::erase::<Deployment>(&()),
            Self::HorizontalPodAutoscaler => ApiResource::erase::<HorizontalPodAutoscaler>(&()),
            Self::PodDisruptionBudget => ApiResource::erase::<PodDisruptionBudget>(&()),
            Self::NetworkPolicy => ApiResource::erase::<NetworkPolicy>(&()),
            Self::Ingress => ApiResource::erase::<Ingress>(&()),
            Self::ServiceMonitor => ApiResource::from_gvk_with_plural(
                &GroupVersionKind::gvk("monitoring.coreos.com", "v1", "ServiceMonitor"),
                "servicemonitors",
            ),
        }
    }

    /// Every name a child of this kind can have, over all modes of the system `name`. Children
    /// that the spec does not ask for are pruned. A ConfigMap has a hash after the name.
    pub fn names(self, name: &str) -> Vec<String> {
        match self {
            Self::ServiceAccount | Self::Ingress | Self::ServiceMonitor => vec![name.to_owned()],
            Self::Secret => {
                let tokens = Role::ALL.iter().map(|role| role.secret(name));
                tokens.chain([signing_keys::secret(name)]).collect()
            }
            Self::PersistentVolumeClaim => vec![claim(name)],
            Self::Service => {
                Component::ALL.iter().flat_map(|component| component.service_names(name)).collect()
            }
            Self::ConfigMap
            | Self::Deployment
            | Self::HorizontalPodAutoscaler
            | Self::PodDisruptionBudget
            | Self::NetworkPolicy => {
                Component::ALL.iter().map(|component| component.object_name(name)).collect()
            }
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A part of a ticket system that runs as one Deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Component {
    Ticket,
    Vacancy,
    Monolith,
}

impl Component {
    pub const ALL: [Self; 3] = [Self::Ticket, Self::Vacancy, Self::Monolith];

    /// The value of the label `app.kubernetes.io/component`, and the name of the container.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ticket => "ticket",
            Self::Vacancy => "vacancy",
            Self::Monolith => "monolith",
        }
    }

    /// The port of the pod and of its Service.
    pub fn port(self) -> u16 {
        match self {
            Self::Monolith => 8000,
            Self::Vacancy => 8001,
            Self::Ticket => 8002,
        }
    }

    /// The name of the objects of this component.
    pub fn object_name(self, name: &str) -> String {
        match self {
            Self::Monolith => name.to_owned(),
            Self::Ticket | Self::Vacancy => format!("{name}-{}", self.as_str()),
        }
    }

    /// The roles whose callers it admits, by their tokens. Ticket has no calls of administrators.
    pub fn roles(self) -> &'static [Role] {
        match self {
            Self::Ticket => &[Role::Seller, Role::Gate],
            Self::Vacancy | Self::Monolith => &Role::ALL,
        }
    }

    /// The names of all Services that this component can have.
    pub fn service_names(self, name: &str) -> Vec<String> {
        let own = self.object_name(name);
        if self == Self::Vacancy { vec![own, endpoints(name)] } else { vec![own] }
    }
}

/// Name of the headless Service, whose DNS records are the addresses of all ready vacancy pods.
pub fn endpoints(name: &str) -> String {
    format!("{}-endpoints", Component::Vacancy.object_name(name))
}

/// Name of the PersistentVolumeClaim of embedded storage.
pub fn claim(name: &str) -> String {
    format!("{name}-data")
}
