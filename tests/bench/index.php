<?php
// The same three answers as naive.c, from PHP-FPM: a constant, and a user over a connection that is persistent or not.
// BENCH_CONNECTION and DATABASE_URL come from the pool's file, see programs.py.
header('Content-Type: application/json');
if (!preg_match('~/users/([^/?]+)$~', $_SERVER['REQUEST_URI'], $found)) {
    $body = '{"message":"php","status":"running","version":"1"}';
} else {
    $open = getenv('BENCH_CONNECTION') === 'persistent' ? 'pg_pconnect' : 'pg_connect';
    $users = pg_query_params($open(getenv('DATABASE_URL')),
        'SELECT id, email, name, created_at, updated_at FROM users WHERE id = $1 AND deleted_at IS NULL', [$found[1]]);
    $user = pg_fetch_assoc($users);
    http_response_code($user ? 200 : 404);
    $body = json_encode($user ?: new stdClass());
}
header('Content-Length: ' . strlen($body));
echo $body;
