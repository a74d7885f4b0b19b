// The users of make bench for Node, Express and pg. BENCH_CONNECTION is persistent or per-request; BENCH_WORKERS is the number of
// processes that share the socket BENCH_SOCKET.
"use strict";

const cluster = require("cluster");
const express = require("express");
const { Client, Pool } = require("pg");

const COLUMNS = "id, email, name, created_at, updated_at";
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;
const UNIQUE_VIOLATION = "23505";

// pg reads sslmode=require as verify-full: this is what it says to write instead.
const connection = {
  connectionString: process.env.DATABASE_URL.replace(/\?.*/, ""),
  ssl: { rejectUnauthorized: false },
};
const pool = process.env.BENCH_CONNECTION === "persistent" ? new Pool(connection) : null;

async function query(text, values) {
  if (pool) return pool.query(text, values);
  const client = new Client(connection);
  await client.connect();
  try {
    return await client.query(text, values);
  } finally {
    await client.end();
  }
}

const app = express();
app.use(express.json());

app.get("/", (request, response) => {
  response.json({ message: "node", status: "running", version: "1" });
});

app.get("/users/:id", async (request, response, next) => {
  try {
    const { id } = request.params;
    if (!UUID.test(id)) return response.status(422).json({ detail: "id is no UUID" });
    const users = await query(`SELECT ${COLUMNS} FROM users WHERE id = $1 AND deleted_at IS NULL`, [id]);
    if (users.rows.length === 0) return response.status(404).json({ detail: "User not found" });
    response.json(users.rows[0]);
  } catch (error) {
    next(error);
  }
});

app.post("/users", async (request, response, next) => {
  try {
    const { email, name } = request.body || {};
    if (typeof email !== "string" || !EMAIL.test(email) || typeof name !== "string" || !name || name.length > 200) {
      return response.status(422).json({ detail: "email and name are needed" });
    }
    const users = await query(`INSERT INTO users (email, name) VALUES ($1, $2) RETURNING ${COLUMNS}`, [email, name]);
    response.status(201).json(users.rows[0]);
  } catch (error) {
    if (error.code === UNIQUE_VIOLATION) {
      return response.status(409).json({ detail: "A user with this email exists already" });
    }
    next(error);
  }
});

if (cluster.isPrimary) {
  for (let i = 0; i < Number(process.env.BENCH_WORKERS); i++) cluster.fork();
} else {
  app.listen(process.env.BENCH_SOCKET);
}
