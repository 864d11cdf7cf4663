//! Encryption, authentication and tokens.

use crate::config_key::{ConfigKey, Validator::*, config_keys};

pub(super) const KEYS: &[ConfigKey] = config_keys! {
    "delegation.token.secret.key": Password = none, Any, ReadOnly, Medium,
        "";
    "delegation.token.max.lifetime.ms": Long = "604800000", AtLeast(1), ReadOnly, Medium,
        "";
    "delegation.token.expiry.time.ms": Long = "86400000", AtLeast(1), ReadOnly, Medium,
        "";
    "delegation.token.expiry.check.interval.ms": Long = "3600000", AtLeast(1), ReadOnly, Low,
        "";
    "connections.max.reauth.ms": Long = "0", Any, ReadOnly, Medium,
        "";
    "sasl.server.max.receive.size": Int = "524288", Any, ReadOnly, Medium,
        "";
    "security.providers": String = none, Any, ReadOnly, Low,
        "";
    "principal.builder.class": Class = "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder", Any, PerBroker, Medium,
        "";
    "ssl.client.auth": String = "none", OneOf(&["required", "requested", "none"]), PerBroker, Medium,
        "";
    "ssl.principal.mapping.rules": String = "DEFAULT", Any, ReadOnly, Low,
        "";
    "ssl.allow.dn.changes": Boolean = "false", Any, ReadOnly, Low,
        "";
    "ssl.allow.san.changes": Boolean = "false", Any, ReadOnly, Low,
        "";
    "ssl.protocol": String = "TLSv1.3", Any, PerBroker, Medium,
        "";
    "ssl.provider": String = none, Any, PerBroker, Medium,
        "";
    "ssl.enabled.protocols": List = "TLSv1.2,TLSv1.3", Any, PerBroker, Medium,
        "";
    "ssl.keystore.type": String = "JKS", Any, PerBroker, Medium,
        "";
    "ssl.keystore.location": String = none, Any, PerBroker, Medium,
        "";
    "ssl.keystore.password": Password = none, Any, PerBroker, Medium,
        "";
    "ssl.key.password": Password = none, Any, PerBroker, Medium,
        "";
    "ssl.keystore.key": Password = none, Any, PerBroker, Medium,
        "";
    "ssl.keystore.certificate.chain": Password = none, Any, PerBroker, Medium,
        "";
    "ssl.truststore.type": String = "JKS", Any, PerBroker, Medium,
        "";
    "ssl.truststore.location": String = none, Any, PerBroker, Medium,
        "";
    "ssl.truststore.password": Password = none, Any, PerBroker, Medium,
        "";
    "ssl.truststore.certificates": Password = none, Any, PerBroker, Medium,
        "";
    "ssl.keymanager.algorithm": String = "SunX509", Any, PerBroker, Medium,
        "";
    "ssl.trustmanager.algorithm": String = "PKIX", Any, PerBroker, Medium,
        "";
    "ssl.endpoint.identification.algorithm": String = "https", Any, PerBroker, Low,
        "";
    "ssl.secure.random.implementation": String = none, Any, PerBroker, Low,
        "";
    "ssl.cipher.suites": List = "", Any, PerBroker, Medium,
        "";
    "ssl.engine.factory.class": Class = none, Any, PerBroker, Low,
        "";
    "sasl.mechanism.inter.broker.protocol": String = "GSSAPI", Any, PerBroker, Medium,
        "";
    "sasl.enabled.mechanisms": List = "GSSAPI", Any, PerBroker, Medium,
        "";
    "sasl.server.callback.handler.class": Class = none, Any, ReadOnly, Medium,
        "";
    "sasl.kerberos.principal.to.local.rules": List = "DEFAULT", Any, PerBroker, Medium,
        "";
    "sasl.jaas.config": Password = none, Any, PerBroker, Medium,
        "";
    "sasl.client.callback.handler.class": Class = none, Any, ReadOnly, Medium,
        "";
    "sasl.login.class": Class = none, Any, ReadOnly, Medium,
        "";
    "sasl.login.callback.handler.class": Class = none, Any, ReadOnly, Medium,
        "";
    "sasl.kerberos.service.name": String = none, Any, PerBroker, Medium,
        "";
    "sasl.kerberos.kinit.cmd": String = "/usr/bin/kinit", Any, PerBroker, Medium,
        "";
    "sasl.kerberos.ticket.renew.window.factor": Double = "0.8", Any, PerBroker, Medium,
        "";
    "sasl.kerberos.ticket.renew.jitter": Double = "0.05", Any, PerBroker, Medium,
        "";
    "sasl.kerberos.min.time.before.relogin": Long = "60000", Any, PerBroker, Medium,
        "";
    "sasl.login.refresh.window.factor": Double = "0.8", Any, PerBroker, Medium,
        "";
    "sasl.login.refresh.window.jitter": Double = "0.05", Any, PerBroker, Medium,
        "";
    "sasl.login.refresh.min.period.seconds": Short = "60", Any, PerBroker, Medium,
        "";
    "sasl.login.refresh.buffer.seconds": Short = "300", Any, PerBroker, Medium,
        "";
    "sasl.login.connect.timeout.ms": Int = none, Any, ReadOnly, Low,
        "";
    "sasl.login.read.timeout.ms": Int = none, Any, ReadOnly, Low,
        "";
    "sasl.login.retry.backoff.max.ms": Long = "10000", Any, ReadOnly, Low,
        "";
    "sasl.login.retry.backoff.ms": Long = "100", Any, ReadOnly, Low,
        "";
    "sasl.oauthbearer.jwt.retriever.class": Class = "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever", Any, ReadOnly, Medium,
        "";
    "sasl.oauthbearer.jwt.validator.class": Class = "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator", Any, ReadOnly, Medium,
        "";
    "sasl.oauthbearer.scope": String = none, Any, ReadOnly, Medium,
        "";
    "sasl.oauthbearer.client.credentials.client.id": String = none, Any, ReadOnly, Medium,
        "";
    "sasl.oauthbearer.client.credentials.client.secret": Password = none, Any, ReadOnly, Medium,
        "";
    "sasl.oauthbearer.assertion.algorithm": String = "RS256", OneOfIgnoringCase(&["ES256", "RS256"]), ReadOnly, Medium,
        "";
    "sasl.oauthbearer.assertion.claim.aud": String = none, Any, ReadOnly, Medium,
        "";
    "sasl.oauthbearer.assertion.claim.exp.seconds": Int = "300", Between(0, 86400), ReadOnly, Low,
        "";
    "sasl.oauthbearer.assertion.claim.iss": String = none, Any, ReadOnly, Medium,
        "";
    "sasl.oauthbearer.assertion.claim.jti.include": Boolean = "false", Any, ReadOnly, Medium,
        "";
    "sasl.oauthbearer.assertion.claim.nbf.seconds": Int = "60", Between(0, 3600), ReadOnly, Low,
        "";
    "sasl.oauthbearer.assertion.claim.sub": String = none, Any, ReadOnly, Medium,
        "";
    "sasl.oauthbearer.assertion.file": String = none, Any, ReadOnly, Medium,
        "";
    "sasl.oauthbearer.assertion.private.key.file": String = none, Any, ReadOnly, Medium,
        "";
    "sasl.oauthbearer.assertion.private.key.passphrase": Password = none, Any, ReadOnly, Medium,
        "";
    "sasl.oauthbearer.assertion.template.file": String = none, Any, ReadOnly, Medium,
        "";
    "sasl.oauthbearer.scope.claim.name": String = "scope", Any, ReadOnly, Low,
        "";
    "sasl.oauthbearer.sub.claim.name": String = "sub", Any, ReadOnly, Low,
        "";
    "sasl.oauthbearer.token.endpoint.url": String = none, Any, ReadOnly, Medium,
        "";
    "sasl.oauthbearer.jwks.endpoint.url": String = none, Any, ReadOnly, Medium,
        "";
    "sasl.oauthbearer.jwks.endpoint.refresh.ms": Long = "3600000", Any, ReadOnly, Low,
        "";
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms": Long = "100", Any, ReadOnly, Low,
        "";
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms": Long = "10000", Any, ReadOnly, Low,
        "";
    "sasl.oauthbearer.clock.skew.seconds": Int = "30", Any, ReadOnly, Low,
        "";
    "sasl.oauthbearer.expected.audience": List = "", Any, ReadOnly, High,
        "";
    "sasl.oauthbearer.expected.issuer": String = none, Any, ReadOnly, High,
        "";
};
