BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE changes (
	namespace_key INTEGER NOT NULL, 
	version BIGINT NOT NULL, 
	ordinal INTEGER NOT NULL, 
	memory_id VARCHAR(32) NOT NULL, 
	operation VARCHAR(16) NOT NULL, 
	at BIGINT NOT NULL, 
	"before" TEXT NOT NULL, 
	CONSTRAINT pk_changes PRIMARY KEY (namespace_key, version, ordinal), 
	CONSTRAINT fk_changes_namespace_key_namespaces FOREIGN KEY(namespace_key) REFERENCES namespaces ("key")
);
INSERT INTO "changes" VALUES(1,1,0,'cfa8c6a80317c96f00e4','add',1772442000000000,'{}');
INSERT INTO "changes" VALUES(1,1,1,'6fb153c070c6361d9cf8','add',1772442000000000,'{}');
INSERT INTO "changes" VALUES(1,1,2,'a176e1a8e4e6fa8b3c83','add',1772442000000000,'{}');
INSERT INTO "changes" VALUES(1,2,0,'cfa8c6a80317c96f00e4','update',1772442001000000,'{"text": "I moved to Oslo."}');
INSERT INTO "changes" VALUES(1,3,0,'6fb153c070c6361d9cf8','delete',1772442002000000,'{}');
INSERT INTO "changes" VALUES(2,1,0,'eba17dde0cea09a8e05e','add',1772442003000000,'{}');
CREATE TABLE memories (
	"key" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	namespace_key INTEGER NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	text TEXT NOT NULL, 
	digest BLOB NOT NULL, 
	session_id TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	speaker TEXT NOT NULL, 
	entities TEXT NOT NULL, 
	valid_from BIGINT NOT NULL, 
	valid_from_offset SMALLINT NOT NULL, 
	valid_to BIGINT, 
	valid_to_offset SMALLINT, 
	created_at BIGINT NOT NULL, 
	retired_at BIGINT, 
	metadata TEXT NOT NULL, 
	CONSTRAINT fk_memories_namespace_key_namespaces FOREIGN KEY(namespace_key) REFERENCES namespaces ("key"), 
	CONSTRAINT uq_memories_namespace_key_id UNIQUE (namespace_key, id)
);
INSERT INTO "memories" VALUES(1,1,'cfa8c6a80317c96f00e4','message','I moved to Bergen.',X'DFEA7F42B6786DE8C3BF21EF7141F55E','s1',0,'Ann','["speaker", "ann", "session", "s1", "day", "2026-03-02", "thing", "bergen", "phrase", "move bergen"]',1772442000000000,0,NULL,NULL,1772442000000000,NULL,'{}');
INSERT INTO "memories" VALUES(2,1,'6fb153c070c6361d9cf8','message','Really?',X'9EB8CD756595CF24E67F7F24FE58246E','s1',1,'Bob','["speaker", "bob", "session", "s1", "day", "2026-03-02"]',1772442060000000,0,NULL,NULL,1772442000000000,1772442002000000,'{}');
INSERT INTO "memories" VALUES(3,1,'a176e1a8e4e6fa8b3c83','message','Yes.',X'5F9A2B795615BA6A3D5455FD5624D773','s1',2,'Ann','["speaker", "ann", "session", "s1", "day", "2026-03-02"]',1772442120000000,0,NULL,NULL,1772442000000000,NULL,'{}');
INSERT INTO "memories" VALUES(4,2,'eba17dde0cea09a8e05e','message','theirs',X'4C55A8552A2C7261F61F798C2265E6F1','s1',0,'Ann','["speaker", "ann", "session", "s1", "day", "2026-03-02"]',1772442000000000,0,NULL,NULL,1772442003000000,NULL,'{}');
CREATE TABLE memsvc_database (
	"key" INTEGER NOT NULL, 
	identity VARCHAR(32) NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_memsvc_database PRIMARY KEY ("key"), 
	CONSTRAINT ck_memsvc_database_one_row CHECK (key = 1)
);
INSERT INTO "memsvc_database" VALUES(1,'6a7a5ebd6a0a64fad4c4bfeb25c4d9d7',1795280808706767);
CREATE TABLE messages (
	namespace_key INTEGER NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	session_id TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	speaker TEXT NOT NULL, 
	role TEXT NOT NULL, 
	text TEXT NOT NULL, 
	said_at BIGINT NOT NULL, 
	said_at_offset SMALLINT NOT NULL, 
	stored_at BIGINT NOT NULL, 
	write_key TEXT, 
	metadata TEXT NOT NULL, 
	CONSTRAINT pk_messages PRIMARY KEY (namespace_key, id), 
	CONSTRAINT fk_messages_namespace_key_namespaces FOREIGN KEY(namespace_key) REFERENCES namespaces ("key"), 
	CONSTRAINT uq_messages_namespace_key_session_id_position UNIQUE (namespace_key, session_id, position), 
	CONSTRAINT uq_messages_namespace_key_write_key UNIQUE (namespace_key, write_key)
);
INSERT INTO "messages" VALUES(1,'cfa8c6a80317c96f00e4','s1',0,'Ann','user','I moved to Oslo.',1772442000000000,0,1772442000000000,NULL,'{}');
INSERT INTO "messages" VALUES(1,'6fb153c070c6361d9cf8','s1',1,'Bob','user','Really?',1772442060000000,0,1772442000000000,NULL,'{}');
INSERT INTO "messages" VALUES(1,'a176e1a8e4e6fa8b3c83','s1',2,'Ann','user','Yes.',1772442120000000,0,1772442000000000,'k','{}');
INSERT INTO "messages" VALUES(2,'eba17dde0cea09a8e05e','s1',0,'Ann','user','theirs',1772442000000000,0,1772442003000000,NULL,'{}');
CREATE TABLE namespaces (
	"key" INTEGER NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	version BIGINT NOT NULL, 
	stamp BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_namespaces PRIMARY KEY ("key"), 
	CONSTRAINT uq_namespaces_name UNIQUE (name)
);
INSERT INTO "namespaces" VALUES(1,'ann',3,1772442002000000,1772442000000000);
INSERT INTO "namespaces" VALUES(2,'acme/bob',1,1772442003000000,1772442003000000);
CREATE TABLE vectors (
	namespace_key INTEGER NOT NULL, 
	digest BLOB NOT NULL, 
	model VARCHAR(255) NOT NULL, 
	dimension INTEGER NOT NULL, 
	data BLOB NOT NULL, 
	CONSTRAINT pk_vectors PRIMARY KEY (namespace_key, digest, model), 
	CONSTRAINT fk_vectors_namespace_key_namespaces FOREIGN KEY(namespace_key) REFERENCES namespaces ("key")
);
INSERT INTO "vectors" VALUES(1,X'5F9A2B795615BA6A3D5455FD5624D773','test-model:16',16,X'045FB43DB19316BE8EE1A53EDBC7103E9CF1CF3E85738F3EB5B186BDA3C9D5BE1CACA5BECD2BFBBD22D0DD3D7A48F43C3512B0BD4AF5E8BED0B75DBEFCFF303E');
INSERT INTO "vectors" VALUES(2,X'4C55A8552A2C7261F61F798C2265E6F1','test-model:16',16,X'A1E35DBEA66F02BE5056053D31AE89BEC8C113BE359DD13DE60C88BDA4334BBDA85129BF6916493E9F58B3BD29F097BE87D1323E4DDFD5BE7F3DA0BD14EB52BE');
CREATE INDEX ix_memories_namespace_key_digest ON memories (namespace_key, digest);
CREATE INDEX ix_changes_namespace_key_memory_id ON changes (namespace_key, memory_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('memories',4);
COMMIT;
