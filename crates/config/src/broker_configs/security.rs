//! Encryption, authentication and tokens.

use crate::config_key::{ConfigKey, Validator::*, config_keys};

pub(super) const KEYS: &[ConfigKey] = config_keys! {
    "delegation.token.secret.key": Password = none, Any, ReadOnly, Medium,
        "Secret that signs delegation tokens; the same on all nodes.";
    "delegation.token.max.lifetime.ms": Long = "604800000", AtLeast(1), ReadOnly, Medium,
        "Age beyond which a token cannot be renewed.";
    "delegation.token.expiry.time.ms": Long = "86400000", AtLeast(1), ReadOnly, Medium,
        "How long a token is valid until it is renewed.";
    "delegation.token.expiry.check.interval.ms": Long = "3600000", AtLeast(1), ReadOnly, Low,
        "How often expired tokens are removed.";
    "connections.max.reauth.ms": Long = "0", Any, ReadOnly, Medium,
        "How long an authenticated session lasts until the client must authenticate again; 0 for ever.";
    "sasl.server.max.receive.size": Int = "524288", Any, ReadOnly, Medium,
        "Largest message before authentication is through.";
    "security.providers": String = none, Any, ReadOnly, Low,
        "Classes that provide security algorithms.";
    "principal.builder.class": Class = "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder", Any, PerBroker, Medium,
        "Class that names the principal of a connection.";
    "ssl.client.auth": String = "none", OneOf(&["required", "requested", "none"]), PerBroker, Medium,
        "Whether clients must, may or need not show a certificate.";
    "ssl.principal.mapping.rules": String = "DEFAULT", Any, ReadOnly, Low,
        "Rules that shorten the names in client certificates.";
    "ssl.allow.dn.changes": Boolean = "false", Any, ReadOnly, Low,
        "Whether a new certificate may carry another name.";
    "ssl.allow.san.changes": Boolean = "false", Any, ReadOnly, Low,
        "Whether a new certificate may carry other alternative names.";
    "ssl.protocol": String = "TLSv1.3", Any, PerBroker, Medium,
        "Preferred version of TLS.";
    "ssl.provider": String = none, Any, PerBroker, Medium,
        "Provider of TLS.";
    "ssl.enabled.protocols": List = "TLSv1.2,TLSv1.3", Any, PerBroker, Medium,
        "Versions of TLS that are accepted.";
    "ssl.keystore.type": String = "JKS", Any, PerBroker, Medium,
        "Format of the key store.";
    "ssl.keystore.location": String = none, Any, PerBroker, Medium,
        "File of the key store.";
    "ssl.keystore.password": Password = none, Any, PerBroker, Medium,
        "Password of the key store.";
    "ssl.key.password": Password = none, Any, PerBroker, Medium,
        "Password of the private key.";
    "ssl.keystore.key": Password = none, Any, PerBroker, Medium,
        "The private key itself.";
    "ssl.keystore.certificate.chain": Password = none, Any, PerBroker, Medium,
        "The certificates that belong to the private key.";
    "ssl.truststore.type": String = "JKS", Any, PerBroker, Medium,
        "Format of the trust store.";
    "ssl.truststore.location": String = none, Any, PerBroker, Medium,
        "File of the trust store.";
    "ssl.truststore.password": Password = none, Any, PerBroker, Medium,
        "Password of the trust store.";
    "ssl.truststore.certificates": Password = none, Any, PerBroker, Medium,
        "The trusted certificates themselves.";
    "ssl.keymanager.algorithm": String = "SunX509", Any, PerBroker, Medium,
        "Algorithm of the key manager.";
    "ssl.trustmanager.algorithm": String = "PKIX", Any, PerBroker, Medium,
        "Algorithm of the trust manager.";
    "ssl.endpoint.identification.algorithm": String = "https", Any, PerBroker, Low,
        "How the name in a server's certificate is checked; empty does not check it.";
    "ssl.secure.random.implementation": String = none, Any, PerBroker, Low,
        "Source of random numbers for TLS.";
    "ssl.cipher.suites": List = "", Any, PerBroker, Medium,
        "Cipher suites that are accepted; empty accepts the usual ones.";
    "ssl.engine.factory.class": Class = none, Any, PerBroker, Low,
        "Class that makes TLS engines.";
    "sasl.mechanism.inter.broker.protocol": String = "GSSAPI", Any, PerBroker, Medium,
        "SASL mechanism between brokers.";
    "sasl.enabled.mechanisms": List = "GSSAPI", Any, PerBroker, Medium,
        "SASL mechanisms that clients may use.";
    "sasl.server.callback.handler.class": Class = none, Any, ReadOnly, Medium,
        "Class that answers the server's SASL callbacks.";
    "sasl.kerberos.principal.to.local.rules": List = "DEFAULT", Any, PerBroker, Medium,
        "Rules that shorten Kerberos names.";
    "sasl.jaas.config": Password = none, Any, PerBroker, Medium,
        "Login settings for SASL, in JAAS's format.";
    "sasl.client.callback.handler.class": Class = none, Any, ReadOnly, Medium,
        "Class that answers the client's SASL callbacks.";
    "sasl.login.class": Class = none, Any, ReadOnly, Medium,
        "Class that logs in for SASL.";
    "sasl.login.callback.handler.class": Class = none, Any, ReadOnly, Medium,
        "Class that answers the callbacks of the login.";
    "sasl.kerberos.service.name": String = none, Any, PerBroker, Medium,
        "Kerberos name that the servers run under.";
    "sasl.kerberos.kinit.cmd": String = "/usr/bin/kinit", Any, PerBroker, Medium,
        "Path of the kinit command.";
    "sasl.kerberos.ticket.renew.window.factor": Double = "0.8", Any, PerBroker, Medium,
        "Share of a Kerberos ticket's life after which it is renewed.";
    "sasl.kerberos.ticket.renew.jitter": Double = "0.05", Any, PerBroker, Medium,
        "Random part of the time at which a Kerberos ticket is renewed.";
    "sasl.kerberos.min.time.before.relogin": Long = "60000", Any, PerBroker, Medium,
        "Least time between two Kerberos logins.";
    "sasl.login.refresh.window.factor": Double = "0.8", Any, PerBroker, Medium,
        "Share of a credential's life after which it is refreshed.";
    "sasl.login.refresh.window.jitter": Double = "0.05", Any, PerBroker, Medium,
        "Random part of the time at which a credential is refreshed.";
    "sasl.login.refresh.min.period.seconds": Short = "60", Any, PerBroker, Medium,
        "Least time between two refreshes.";
    "sasl.login.refresh.buffer.seconds": Short = "300", Any, PerBroker, Medium,
        "Time before expiry by which a refresh should be done.";
    "sasl.login.connect.timeout.ms": Int = none, Any, ReadOnly, Low,
        "How long to wait for a connection to the identity provider.";
    "sasl.login.read.timeout.ms": Int = none, Any, ReadOnly, Low,
        "How long to wait for the identity provider to answer.";
    "sasl.login.retry.backoff.max.ms": Long = "10000", Any, ReadOnly, Low,
        "Longest pause between two tries to log in.";
    "sasl.login.retry.backoff.ms": Long = "100", Any, ReadOnly, Low,
        "First pause between two tries to log in.";
    "sasl.oauthbearer.jwt.retriever.class": Class = "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever", Any, ReadOnly, Medium,
        "Class that gets tokens from the identity provider.";
    "sasl.oauthbearer.jwt.validator.class": Class = "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator", Any, ReadOnly, Medium,
        "Class that checks tokens.";
    "sasl.oauthbearer.scope": String = none, Any, ReadOnly, Medium,
        "Scope that is asked for.";
    "sasl.oauthbearer.client.credentials.client.id": String = none, Any, ReadOnly, Medium,
        "Client id at the identity provider.";
    "sasl.oauthbearer.client.credentials.client.secret": Password = none, Any, ReadOnly, Medium,
        "Client secret at the identity provider.";
    "sasl.oauthbearer.assertion.algorithm": String = "RS256", OneOfIgnoringCase(&["ES256", "RS256"]), ReadOnly, Medium,
        "Algorithm that signs assertions.";
    "sasl.oauthbearer.assertion.claim.aud": String = none, Any, ReadOnly, Medium,
        "Audience that assertions name.";
    "sasl.oauthbearer.assertion.claim.exp.seconds": Int = "300", Between(0, 86400), ReadOnly, Low,
        "How long assertions are valid.";
    "sasl.oauthbearer.assertion.claim.iss": String = none, Any, ReadOnly, Medium,
        "Issuer that assertions name.";
    "sasl.oauthbearer.assertion.claim.jti.include": Boolean = "false", Any, ReadOnly, Medium,
        "Whether assertions carry an id of their own.";
    "sasl.oauthbearer.assertion.claim.nbf.seconds": Int = "60", Between(0, 3600), ReadOnly, Low,
        "How long before now assertions begin to be valid.";
    "sasl.oauthbearer.assertion.claim.sub": String = none, Any, ReadOnly, Medium,
        "Subject that assertions name.";
    "sasl.oauthbearer.assertion.file": String = none, Any, ReadOnly, Medium,
        "File with an assertion made elsewhere.";
    "sasl.oauthbearer.assertion.private.key.file": String = none, Any, ReadOnly, Medium,
        "File with the key that signs assertions.";
    "sasl.oauthbearer.assertion.private.key.passphrase": Password = none, Any, ReadOnly, Medium,
        "Passphrase of the key that signs assertions.";
    "sasl.oauthbearer.assertion.template.file": String = none, Any, ReadOnly, Medium,
        "File with headers and claims for assertions.";
    "sasl.oauthbearer.scope.claim.name": String = "scope", Any, ReadOnly, Low,
        "Name of the claim that holds the scope.";
    "sasl.oauthbearer.sub.claim.name": String = "sub", Any, ReadOnly, Low,
        "Name of the claim that holds the subject.";
    "sasl.oauthbearer.token.endpoint.url": String = none, Any, ReadOnly, Medium,
        "Address that gives out tokens.";
    "sasl.oauthbearer.jwks.endpoint.url": String = none, Any, ReadOnly, Medium,
        "Address of the keys that verify tokens.";
    "sasl.oauthbearer.jwks.endpoint.refresh.ms": Long = "3600000", Any, ReadOnly, Low,
        "How often the keys that verify tokens are fetched again.";
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms": Long = "100", Any, ReadOnly, Low,
        "First pause after the keys could not be fetched.";
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms": Long = "10000", Any, ReadOnly, Low,
        "Longest pause after the keys could not be fetched.";
    "sasl.oauthbearer.clock.skew.seconds": Int = "30", Any, ReadOnly, Low,
        "Difference of clocks that is tolerated.";
    "sasl.oauthbearer.expected.audience": List = "", Any, ReadOnly, High,
        "Audiences that tokens may be for.";
    "sasl.oauthbearer.expected.issuer": String = none, Any, ReadOnly, High,
        "Issuer that tokens must come from.";
};
