<?php
// The users of make bench for PHP-FPM and PDO; BENCH_CONNECTION is persistent or per-request.
declare(strict_types=1);

const COLUMNS = 'id, email, name, created_at, updated_at';
const UUID = '/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i';

function answer(int $status, array $body): never
{
    $text = json_encode($body, JSON_THROW_ON_ERROR);
    http_response_code($status);
    header('Content-Type: application/json');
    header('Content-Length: ' . strlen($text));
    exit($text);
}

function database(): PDO
{
    $url = parse_url(getenv('DATABASE_URL'));
    parse_str($url['query'] ?? '', $options);
    $dsn = sprintf('pgsql:host=%s;port=%d;dbname=%s;sslmode=%s', $url['host'], $url['port'], ltrim($url['path'], '/'),
        $options['sslmode'] ?? 'prefer');
    return new PDO($dsn, $url['user'], $url['pass'], [
        PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
        PDO::ATTR_PERSISTENT => getenv('BENCH_CONNECTION') === 'persistent',
    ]);
}

function show_user(string $id): never
{
    if (!preg_match(UUID, $id)) {
        answer(422, ['detail' => 'id is no UUID']);
    }
    $statement = database()->prepare('SELECT ' . COLUMNS . ' FROM users WHERE id = ? AND deleted_at IS NULL');
    $statement->execute([$id]);
    $user = $statement->fetch(PDO::FETCH_ASSOC);
    $user ? answer(200, $user) : answer(404, ['detail' => 'User not found']);
}

function create_user(): never
{
    $body = json_decode(file_get_contents('php://input'), true);
    $email = filter_var($body['email'] ?? null, FILTER_VALIDATE_EMAIL);
    $name = $body['name'] ?? null;
    if (!$email || !is_string($name) || $name === '' || iconv_strlen($name, 'UTF-8') > 200) {
        answer(422, ['detail' => 'email and name are needed']);
    }
    try {
        $statement = database()->prepare('INSERT INTO users (email, name) VALUES (?, ?) RETURNING ' . COLUMNS);
        $statement->execute([$email, $name]);
    } catch (PDOException $error) {
        if ($error->getCode() === '23505') {
            answer(409, ['detail' => 'A user with this email exists already']);
        }
        throw $error;
    }
    answer(201, $statement->fetch(PDO::FETCH_ASSOC));
}

$path = preg_replace('~^/pdo(?=/)~', '', parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH));
$method = $_SERVER['REQUEST_METHOD'];
if ($method === 'GET' && preg_match('~^/users/([^/]+)$~', $path, $found)) {
    show_user($found[1]);
} elseif ($method === 'POST' && $path === '/users') {
    create_user();
} elseif ($method === 'GET' && $path === '/') {
    answer(200, ['message' => 'php', 'status' => 'running', 'version' => '1']);
}
answer(404, ['detail' => 'Not found']);
