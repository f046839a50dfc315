-- A store as the version of 2026-11-28 wrote it on Postgres (our own tables, before reviewer_calls.person): one job is
-- done, one failed, one runs. Times are those of now, so that nothing is too old to be kept.
CREATE TABLE reviewer_answers (
    job TEXT NOT NULL,
    digest TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    prompt BYTEA NOT NULL,
    answer BYTEA,
    failed BOOLEAN,
    PRIMARY KEY (job, digest)
);
INSERT INTO reviewer_answers (job, digest, attempt, prompt, answer, failed) VALUES
    ('guid-2', '08ea7d3cf688b73affd7bc38a2d84e0faf17224304c872490d7531b5c7a579a8', 1, '\x789c558c410ac2301045af22b38e62ab88e42a222198690849939299404bc9dd9d6e04b7effdff76604b11344c21bb903d81821989ac4702fddaa19684a26923c659e4a764c6cc0782ae7ebe11d63feb5b70e7f134407f4bd1ae864bc42ccde1717bde15486dc16ab955b95f2fe331da4c2a259ab6809e6c2214561c26a941ff02abd437a4', '\x789c4d8ed10a83300c457f45faac527df41ffc823124b3712bb64d319109e2bf2f653096a79b937b2f398de02166301b0ed573f7aee9abced46683b74215911c86af5c7cf2fc9a3604a6a48885b26210c19885cd703b7ff651bd231ccdd8b7a58e769929a21e68d5356fa4894968c5a4b9cedadae83d07144fe98f17cc32edec346a5babd3973ec69992538bb2da208b8f20a8a60502e375d767218407cc6b79fdfa00b5594913', false);
INSERT INTO reviewer_answers (job, digest, attempt, prompt, answer, failed) VALUES
    ('guid-3', '9dd2b7538146aaf01365d7faf2f478999db6cb98bd340f37272d6542e5feb052', 1, '\x789c558c410ac2301045af22b38e62ad88e42a222198690849939299404bc9dd9d6e04b7effdff76604b11344c21bb903d81821989ac4702fddaa19684a26923c659e4a764c6cc0782ae7ebe11d63feb5b70e7f134407f4bd1ae864bc42ccde1313eef0aa4b660b5dcaadcaf97db31da4c2a259ab6809e6c2214561c26a941ff02ac1f37a5', '\x789c4d8ed10a83300c457f45faacd2b937ffc12f1843321bb762db14139920fefb52066379ba39b9f792c308ee627ab3625f3d37ef9a6b7531b559e1ad50452487e12b679f3cbfc61581292962a1ac1844306661d3df8e9f7d50ef007b33746da9a34d268aa8075a74cd2b6962145a3069ee626d6df49e038aa7f4c70b661937761ab5add5e94a1fe344c9a945596d90c5471054d30c81f1bcebb310c203a6a5bc7e7e00b62d4914', false);
INSERT INTO reviewer_answers (job, digest, attempt, prompt, answer, failed) VALUES
    ('guid-3', 'df3a58c74e83b76b5fb039d02947b30f3af45304735cbe2cb4b7c1b60bf8155e', 1, '\x789c55cc410ac2301085e1abc8aca3a815915c452404330d21695232136a29b9bbd38de0f6fd8f6f03b61441c318b20bd913289890c87a24d0cf0d6a49289956629c24be4b66ccbc4fd0d5af37c2fa577d0bee381c161b18fa4b50fb315c2266612ff7e1715320e08cd572ab229c4fd7fdb49a544a346d063dda44285b71980484fe057ce73929', NULL, NULL);
CREATE TABLE reviewer_calls (
    seq BIGSERIAL NOT NULL,
    at FLOAT NOT NULL,
    job TEXT NOT NULL,
    repository TEXT NOT NULL,
    number INTEGER NOT NULL,
    installation BIGINT,
    task TEXT NOT NULL,
    model TEXT NOT NULL,
    outcome TEXT NOT NULL,
    prompt_tokens BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    cost_nano_usd BIGINT,
    estimated BOOLEAN NOT NULL,
    seconds FLOAT NOT NULL,
    PRIMARY KEY (seq)
);
CREATE INDEX reviewer_calls_job ON reviewer_calls (job);
CREATE INDEX reviewer_calls_repository ON reviewer_calls (repository, at);
INSERT INTO reviewer_calls (at, job, repository, number, installation, task, model, outcome, prompt_tokens, completion_tokens, cost_nano_usd, estimated, seconds) VALUES
    (extract(epoch FROM now()), 'guid-2', 'octo/shop', 2, 42, 'findings', 'MiniMax-M2.1', 'ok', 100, 10, 21000, false, 0.0);
INSERT INTO reviewer_calls (at, job, repository, number, installation, task, model, outcome, prompt_tokens, completion_tokens, cost_nano_usd, estimated, seconds) VALUES
    (extract(epoch FROM now()), 'guid-1', 'octo/shop', 1, 42, 'findings', 'MiniMax-M2.1', 'ok', 100, 10, 21000, false, 0.0);
INSERT INTO reviewer_calls (at, job, repository, number, installation, task, model, outcome, prompt_tokens, completion_tokens, cost_nano_usd, estimated, seconds) VALUES
    (extract(epoch FROM now()), 'guid-3', 'octo/shop', 3, 42, 'findings', 'MiniMax-M2.1', 'ok', 100, 10, 21000, false, 0.0);
CREATE TABLE reviewer_jobs (
    seq BIGSERIAL NOT NULL,
    id TEXT NOT NULL,
    key TEXT NOT NULL,
    pull TEXT NOT NULL,
    installation BIGINT,
    automatic BOOLEAN NOT NULL,
    head TEXT,
    updated_at TEXT NOT NULL,
    job TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    starts INTEGER NOT NULL,
    owner TEXT,
    accepted_at FLOAT NOT NULL,
    started_at FLOAT,
    ended_at FLOAT,
    result TEXT,
    PRIMARY KEY (seq),
    UNIQUE (id)
);
CREATE INDEX reviewer_jobs_pull ON reviewer_jobs (pull, updated_at);
CREATE INDEX reviewer_jobs_state ON reviewer_jobs (state, ended_at);
INSERT INTO reviewer_jobs (id, key, pull, installation, automatic, head, updated_at, job, state, reason, attempt, failures, starts, owner, accepted_at, started_at, ended_at, result) VALUES
    ('guid-3', 'octo/shop#3@3333333333333333333333333333333333333333', 'octo/shop#3', 42, true, '3333333333333333333333333333333333333333', '2026-01-01T00:00:00Z', '{"version": 1, "key": "octo/shop#3@3333333333333333333333333333333333333333", "repository": "octo/shop", "number": 3, "trigger": "opened", "delivery": "guid-3", "head_sha": "3333333333333333333333333333333333333333", "installation_id": 42, "command": null, "argument": "", "comment_id": null, "actor": null, "draft": false, "updated_at": "2026-01-01T00:00:00Z"}', 'running', '', 1, 0, 1, 'edc8a86a2626e5c6', extract(epoch FROM now()), extract(epoch FROM now()), NULL, NULL);
INSERT INTO reviewer_jobs (id, key, pull, installation, automatic, head, updated_at, job, state, reason, attempt, failures, starts, owner, accepted_at, started_at, ended_at, result) VALUES
    ('guid-2', 'octo/shop#2@2222222222222222222222222222222222222222', 'octo/shop#2', 42, true, '2222222222222222222222222222222222222222', '2026-01-01T00:00:00Z', '{"version": 1, "key": "octo/shop#2@2222222222222222222222222222222222222222", "repository": "octo/shop", "number": 2, "trigger": "opened", "delivery": "guid-2", "head_sha": "2222222222222222222222222222222222222222", "installation_id": 42, "command": null, "argument": "", "comment_id": null, "actor": null, "draft": false, "updated_at": "2026-01-01T00:00:00Z"}', 'failed', 'ReviewerError: it failed', 1, 0, 1, NULL, extract(epoch FROM now()), extract(epoch FROM now()), extract(epoch FROM now()), NULL);
INSERT INTO reviewer_jobs (id, key, pull, installation, automatic, head, updated_at, job, state, reason, attempt, failures, starts, owner, accepted_at, started_at, ended_at, result) VALUES
    ('guid-1', 'octo/shop#1@1111111111111111111111111111111111111111', 'octo/shop#1', 42, true, '1111111111111111111111111111111111111111', '2026-01-01T00:00:00Z', '{"version": 1, "key": "octo/shop#1@1111111111111111111111111111111111111111", "repository": "octo/shop", "number": 1, "trigger": "opened", "delivery": "guid-1", "head_sha": "1111111111111111111111111111111111111111", "installation_id": 42, "command": null, "argument": "", "comment_id": null, "actor": null, "draft": false, "updated_at": "2026-01-01T00:00:00Z"}', 'done', '', 1, 0, 1, NULL, extract(epoch FROM now()), extract(epoch FROM now()), extract(epoch FROM now()), '{"state": "reviewed", "answers": ["re: guid-1 1"]}');
CREATE TABLE reviewer_looks (
    name TEXT NOT NULL,
    began FLOAT NOT NULL,
    seen TEXT NOT NULL,
    PRIMARY KEY (name)
);
CREATE TABLE reviewer_schema (
    version INTEGER NOT NULL
);
INSERT INTO reviewer_schema (version) VALUES
    (1);
CREATE TABLE reviewer_workers (
    executor TEXT NOT NULL,
    seen FLOAT NOT NULL,
    PRIMARY KEY (executor)
);
