//! Result backends of Celery that simq does not have.

accepted! {
    /// Servers.
    [never "no Cassandra backend"] "cassandra_servers": Option<Words> = None;
    /// Secure connect bundle.
    [never "no Cassandra backend"] "cassandra_secure_bundle_path": Option<String> = None;
    /// The same, as Celery 5 reads it.
    [never "no Cassandra backend"] "cassandra_bundle_path": Option<String> = None;
    /// Port.
    [never "no Cassandra backend"] "cassandra_port": Option<u32> where (1 to 65535) = None;
    /// Keyspace.
    [never "no Cassandra backend"] "cassandra_keyspace": Option<String> = None;
    /// Table.
    [never "no Cassandra backend"] "cassandra_table": Option<String> = None;
    /// Consistency of reads.
    [never "no Cassandra backend"] "cassandra_read_consistency": Option<String> = None;
    /// Consistency of writes.
    [never "no Cassandra backend"] "cassandra_write_consistency": Option<String> = None;
    /// Seconds after which a row is forgotten.
    [never "no Cassandra backend"] "cassandra_entry_ttl": Option<Seconds> = None;
    /// Class that authenticates.
    [never "no Cassandra backend"] "cassandra_auth_provider": Option<String> = None;
    /// Its arguments.
    [never "no Cassandra backend"] "cassandra_auth_kwargs": Option<SecretTable> = None;
    /// Options of the driver.
    [never "no Cassandra backend"] "cassandra_options": Option<SecretTable> = None;

    /// Access key.
    [never "no S3 backend"] "s3_access_key_id": Option<Secret> = None;
    /// Secret key.
    [never "no S3 backend"] "s3_secret_access_key": Option<Secret> = None;
    /// Bucket.
    [never "no S3 backend"] "s3_bucket": Option<String> = None;
    /// Folder in the bucket.
    [never "no S3 backend"] "s3_base_path": Option<String> = None;
    /// Address.
    [never "no S3 backend"] "s3_endpoint_url": Option<Url> = None;
    /// Region.
    [never "no S3 backend"] "s3_region": Option<String> = None;

    /// Container.
    [never "no Azure backend"] "azureblockblob_container_name": String = "celery".to_owned();
    /// Folder in the container.
    [never "no Azure backend"] "azureblockblob_base_path": Option<String> = None;
    /// Seconds before the first further try.
    [never "no Azure backend"] "azureblockblob_retry_initial_backoff_sec": u32 = 2;
    /// Base of the backoff.
    [never "no Azure backend"] "azureblockblob_retry_increment_base": u32 = 2;
    /// Tries.
    [never "no Azure backend"] "azureblockblob_retry_max_attempts": u32 = 3;
    /// Seconds that a connect may take.
    [never "no Azure backend"] "azureblockblob_connection_timeout": u32 = 20;
    /// Seconds that a read may take.
    [never "no Azure backend"] "azureblockblob_read_timeout": u32 = 120;

    /// Bucket.
    [never "no GCS backend"] "gcs_bucket": Option<String> = None;
    /// Project.
    [never "no GCS backend"] "gcs_project": Option<String> = None;
    /// Folder in the bucket.
    [never "no GCS backend"] "gcs_base_path": Option<String> = None;
    /// Seconds after which a result is forgotten.
    [never "no GCS backend"] "gcs_ttl": Seconds = 0.0;

    /// Options of the backend.
    [never "no Couchbase backend"] "couchbase_backend_settings": Option<SecretTable> = None;
    /// Options of the backend.
    [never "no ArangoDB backend"] "arangodb_backend_settings": Option<SecretTable> = None;
    /// Options of the backend.
    [never "no MongoDB backend"] "mongodb_backend_settings": Option<SecretTable> = None;

    /// Database.
    [never "no Cosmos DB backend"] "cosmosdbsql_database_name": String = "celerydb".to_owned();
    /// Collection.
    [never "no Cosmos DB backend"] "cosmosdbsql_collection_name": String = "celerycol".to_owned();
    /// Consistency.
    [never "no Cosmos DB backend"] "cosmosdbsql_consistency_level": String = "Session".to_owned();
    /// Tries.
    [never "no Cosmos DB backend"] "cosmosdbsql_max_retry_attempts": u32 = 9;
    /// Longest wait between tries, seconds.
    [never "no Cosmos DB backend"] "cosmosdbsql_max_retry_wait_time": u32 = 30;

    /// Try again after a timeout.
    [never "no Elasticsearch backend"] "elasticsearch_retry_on_timeout": Option<bool> = None;
    /// Tries.
    [never "no Elasticsearch backend"] "elasticsearch_max_retries": Option<u32> = None;
    /// Seconds that a request may take.
    [never "no Elasticsearch backend"] "elasticsearch_timeout": Option<Seconds> = None;
    /// Store results as text.
    [never "no Elasticsearch backend"] "elasticsearch_save_meta_as_text": bool = true;
}
