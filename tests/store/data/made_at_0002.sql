BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
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
INSERT INTO "changes" VALUES(1,1,1,'2de32d4d89e30826257f','add',1772442000000000,'{}');
INSERT INTO "changes" VALUES(1,1,2,'8baebd57d7190567a09c','add',1772442000000000,'{}');
INSERT INTO "changes" VALUES(1,2,0,'cfa8c6a80317c96f00e4','update',1772442001000000,'{"text": "I moved to Oslo."}');
INSERT INTO "changes" VALUES(1,3,0,'2de32d4d89e30826257f','delete',1772442002000000,'{}');
INSERT INTO "changes" VALUES(2,1,0,'ef15d339893f8490d71c','add',1772442003000000,'{}');
INSERT INTO "changes" VALUES(1,4,0,'cc5adcacfe85f099d319','add',1772442006000000,'{}');
INSERT INTO "changes" VALUES(1,5,0,'f8cb147efe4cf03ba5ea','add',1772442007000000,'{}');
CREATE TABLE jobs (
	"key" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	namespace_key INTEGER NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	payload TEXT NOT NULL, 
	through BIGINT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	attempts INTEGER NOT NULL, 
	error TEXT, 
	worker VARCHAR(32), 
	leased_until BIGINT, 
	not_before BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	started_at BIGINT, 
	finished_at BIGINT, 
	result TEXT, 
	CONSTRAINT fk_jobs_namespace_key_namespaces FOREIGN KEY(namespace_key) REFERENCES namespaces ("key")
);
INSERT INTO "jobs" VALUES(1,1,'extract','{"messages": ["cfa8c6a80317c96f00e4", "8baebd57d7190567a09c"]}',3,'done',1,NULL,NULL,NULL,1772442004000000,1772442004000000,1772442005000000,1772442006000000,'{"added": 1, "stored": 1}');
INSERT INTO "jobs" VALUES(2,1,'extract','{"messages": ["f8cb147efe4cf03ba5ea"]}',6,'queued',0,NULL,NULL,NULL,1772442008000000,1772442008000000,NULL,NULL,NULL);
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
INSERT INTO "memories" VALUES(2,1,'2de32d4d89e30826257f','message','Really?',X'9EB8CD756595CF24E67F7F24FE58246E','s1',1,'Ann','["speaker", "ann", "session", "s1", "day", "2026-03-02"]',1772442060000000,0,NULL,NULL,1772442000000000,1772442002000000,'{}');
INSERT INTO "memories" VALUES(3,1,'8baebd57d7190567a09c','message','Yes, in May.',X'E069FDEBE32F54FBFE60A58389823306','s1',2,'Ann','["speaker", "ann", "session", "s1", "day", "2026-03-02"]',1772442120000000,0,NULL,NULL,1772442000000000,NULL,'{}');
INSERT INTO "memories" VALUES(4,2,'ef15d339893f8490d71c','message','Tea, please.',X'E5F4A89CB097953B1112E5671B71ADCA','s1',0,'Bob','["speaker", "bob", "session", "s1", "day", "2026-03-02", "thing", "tea"]',1772442000000000,0,NULL,NULL,1772442003000000,NULL,'{}');
INSERT INTO "memories" VALUES(5,1,'cc5adcacfe85f099d319','fact','Ann moved in May.',X'2141CC16144B8976FABDCE74AF01550C','s1',0,'Ann','["speaker", "ann", "session", "s1", "day", "2026-03-02", "thing", "ann", "phrase", "ann move"]',1772442000000000,0,NULL,NULL,1772442006000000,NULL,'{}');
INSERT INTO "memories" VALUES(6,1,'f8cb147efe4cf03ba5ea','message','And the job?',X'9931124640074575C89F135EAA9D24B5','s1',3,'Ann','["speaker", "ann", "session", "s1", "day", "2026-03-02"]',1772442540000000,0,NULL,NULL,1772442007000000,NULL,'{}');
CREATE TABLE memsvc_database (
	"key" INTEGER NOT NULL, 
	identity VARCHAR(32) NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_memsvc_database PRIMARY KEY ("key"), 
	CONSTRAINT ck_memsvc_database_one_row CHECK (key = 1)
);
INSERT INTO "memsvc_database" VALUES(1,'7c36782c733f1aacc663449fbe582e9b',1795284947512553);
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
INSERT INTO "messages" VALUES(1,'2de32d4d89e30826257f','s1',1,'Ann','user','Really?',1772442060000000,0,1772442000000000,NULL,'{}');
INSERT INTO "messages" VALUES(1,'8baebd57d7190567a09c','s1',2,'Ann','user','Yes, in May.',1772442120000000,0,1772442000000000,NULL,'{}');
INSERT INTO "messages" VALUES(2,'ef15d339893f8490d71c','s1',0,'Bob','user','Tea, please.',1772442000000000,0,1772442003000000,NULL,'{}');
INSERT INTO "messages" VALUES(1,'f8cb147efe4cf03ba5ea','s1',3,'Ann','user','And the job?',1772442540000000,0,1772442007000000,NULL,'{}');
CREATE TABLE namespaces (
	"key" INTEGER NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	version BIGINT NOT NULL, 
	stamp BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_namespaces PRIMARY KEY ("key"), 
	CONSTRAINT uq_namespaces_name UNIQUE (name)
);
INSERT INTO "namespaces" VALUES(1,'ann',5,1772442007000000,1772442000000000);
INSERT INTO "namespaces" VALUES(2,'acme/bob',1,1772442003000000,1772442003000000);
CREATE TABLE sources (
	namespace_key INTEGER NOT NULL, 
	memory_id VARCHAR(32) NOT NULL, 
	ordinal INTEGER NOT NULL, 
	message_id VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_sources PRIMARY KEY (namespace_key, memory_id, ordinal), 
	CONSTRAINT fk_sources_namespace_key_namespaces FOREIGN KEY(namespace_key) REFERENCES namespaces ("key")
);
INSERT INTO "sources" VALUES(1,'cc5adcacfe85f099d319',0,'8baebd57d7190567a09c');
CREATE TABLE vectors (
	namespace_key INTEGER NOT NULL, 
	digest BLOB NOT NULL, 
	model VARCHAR(255) NOT NULL, 
	dimension INTEGER NOT NULL, 
	data BLOB NOT NULL, 
	CONSTRAINT pk_vectors PRIMARY KEY (namespace_key, digest, model), 
	CONSTRAINT fk_vectors_namespace_key_namespaces FOREIGN KEY(namespace_key) REFERENCES namespaces ("key")
);
INSERT INTO "vectors" VALUES(1,X'E069FDEBE32F54FBFE60A58389823306','test-model:16',16,X'0751C7BE8A129F3E1565483D9732F1BE48BF3EBE45CD3FBE9808BABD76B3A13D595491BD3EAFCABE14047EBEEA32C2BEA7537F3D4DEA6C3E690F993C61030B3E');
INSERT INTO "vectors" VALUES(1,X'DFEA7F42B6786DE8C3BF21EF7141F55E','test-model:16',16,X'392113BF2291063EAD860ABF0F52913E1350803C3C1BBFBDA085B5BEA34D8FBA2C96743D6C4586BDF565B73DADBB9CBD0C2F903CEF029A3EF1289B3DD588253E');
INSERT INTO "vectors" VALUES(2,X'E5F4A89CB097953B1112E5671B71ADCA','test-model:16',16,X'1A10B43E687D05BEFBD8F93E67E9B5BEA7A82CBED930D7BE7ACA80BEBEE183BEDC210BBD2DE3BD3DC1A5A5BD1C179B3E95CD503E04193D3DDEEFADBD5206133D');
INSERT INTO "vectors" VALUES(1,X'2141CC16144B8976FABDCE74AF01550C','test-model:16',16,X'49E5DFBAB683443DD41A10BEC2677DBE747AE73D4A1C23BED987BEBE2ABAC33ED909A23DF3633EBE1C11C0BEE3A708BE8396153EA4A5A3BEFFB649BEADBAF63E');
INSERT INTO "vectors" VALUES(1,X'9931124640074575C89F135EAA9D24B5','test-model:16',16,X'D29F88BD8F5F93BD41079CBED6DDD8BBE7AB6EBEC0ABB1BE4AE88EBE6060A0BE13E41ABEF109FE3D6C83B03C59DFF63E2EA0E13D7C1B523D892EFFBEFD21E33D');
CREATE INDEX ix_memories_namespace_key_digest ON memories (namespace_key, digest);
CREATE INDEX ix_changes_namespace_key_memory_id ON changes (namespace_key, memory_id);
CREATE INDEX ix_memories_namespace_key_kind_key ON memories (namespace_key, kind, "key");
CREATE INDEX ix_sources_namespace_key_message_id ON sources (namespace_key, message_id);
CREATE INDEX ix_jobs_namespace_key_state_key ON jobs (namespace_key, state, "key");
CREATE INDEX ix_jobs_namespace_key_kind_through ON jobs (namespace_key, kind, through);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('memories',6);
INSERT INTO "sqlite_sequence" VALUES('jobs',2);
COMMIT;
