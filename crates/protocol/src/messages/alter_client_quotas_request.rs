//! `AlterClientQuotasRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-1.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AlterClientQuotasRequest {
    /// Versions 0+.
    pub entries: Vec<EntryData>,
    /// Versions 0+.
    pub validate_only: bool,
}

impl Wire for AlterClientQuotasRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.entries = d.get(cx)?;
        m.validate_only = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.entries.write(e, cx)?;
        self.validate_only.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.entries = r.get(cx);
        m.validate_only = r.get(cx);
        m
    }
}

impl Message for AlterClientQuotasRequest {
    const NAME: &'static str = "AlterClientQuotasRequest";
    const API_KEY: i16 = 49;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 1;
    const FLEXIBLE_FROM: i16 = 1;
}

impl Request for AlterClientQuotasRequest {
    type Response = super::alter_client_quotas_response::AlterClientQuotasResponse;
    const KEY: ApiKey = ApiKey::AlterClientQuotas;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct EntryData {
    /// Versions 0+.
    pub entity: Vec<EntityData>,
    /// Versions 0+.
    pub ops: Vec<OpData>,
}

impl Wire for EntryData {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.entity = d.get(cx)?;
        m.ops = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.entity.write(e, cx)?;
        self.ops.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.entity = r.get(cx);
        m.ops = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct EntityData {
    /// Versions 0+.
    pub entity_type: String,
    /// Versions 0+, nullable 0+.
    pub entity_name: Option<String>,
}

impl Default for EntityData {
    fn default() -> Self {
        Self {
            entity_type: Default::default(),
            entity_name: Some(Default::default()),
        }
    }
}

impl Wire for EntityData {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.entity_type = d.get(cx)?;
        m.entity_name = d.nullable(cx, true)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.entity_type.write(e, cx)?;
        e.nullable(&self.entity_name, cx, true, "EntityName")?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.entity_type = r.get(cx);
        m.entity_name = r.nullable(cx, true);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct OpData {
    /// Versions 0+.
    pub key: String,
    /// Versions 0+.
    pub value: f64,
    /// Versions 0+.
    pub remove: bool,
}

impl Wire for OpData {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.key = d.get(cx)?;
        m.value = d.get(cx)?;
        m.remove = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.key.write(e, cx)?;
        self.value.write(e, cx)?;
        self.remove.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.key = r.get(cx);
        m.value = r.get(cx);
        m.remove = r.get(cx);
        m
    }
}
