//! Files that images bring along: pages and configurations.

/// A page that takes a while to compute.
pub(super) const HPA_PAGE: &str =
    "<?php\n$sum = 0.5;\nfor ($n = 0; $n < 1000000; $n++) {\n    $sum += sqrt($sum);\n}\necho \"OK!\";\n?>\n";

pub(super) const NGINX_FILES: &[(&str, &str)] = &[
    ("/usr/share/nginx/html/index.html", NGINX_INDEX),
    ("/usr/share/nginx/html/50x.html", NGINX_50X),
    ("/etc/nginx/nginx.conf", NGINX_CONF),
    ("/etc/nginx/conf.d/default.conf", NGINX_DEFAULT),
    (
        "/etc/nginx/mime.types",
        "types {\n    text/html html htm;\n    text/css css;\n    application/javascript js;\n}\n",
    ),
    ("/var/log/nginx/access.log", "-> /dev/stdout"),
    ("/var/log/nginx/error.log", "-> /dev/stderr"),
    ("/var/cache/nginx/", ""),
    ("/docker-entrypoint.d/10-listen-on-ipv6-by-default.sh", "#!/bin/sh\n"),
    ("/docker-entrypoint.d/15-local-resolvers.envsh", "#!/bin/sh\n"),
    ("/docker-entrypoint.d/20-envsubst-on-templates.sh", "#!/bin/sh\n"),
    ("/docker-entrypoint.d/30-tune-worker-processes.sh", "#!/bin/sh\n"),
];

pub(super) const NGINX_UNPRIVILEGED_FILES: &[(&str, &str)] = &[
    ("/usr/share/nginx/html/index.html", NGINX_INDEX),
    ("/usr/share/nginx/html/50x.html", NGINX_50X),
    ("/etc/nginx/nginx.conf", NGINX_CONF),
    (
        "/etc/nginx/conf.d/default.conf",
        "server {\n    listen       8080;\n    server_name  localhost;\n\n    location / {\n        root   /usr/share/nginx/html;\n        index  index.html index.htm;\n    }\n}\n",
    ),
    ("/docker-entrypoint.d/10-listen-on-ipv6-by-default.sh", "#!/bin/sh\n"),
];

const NGINX_INDEX: &str = "<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>This page comes out of /usr/share/nginx/html: the server runs, and its
configuration is still the one of its image.</p>
</body>
</html>
";

const NGINX_50X: &str = "<!DOCTYPE html>
<html>
<head>
<title>Error</title>
</head>
<body>
<h1>An error occurred.</h1>
</body>
</html>
";

const NGINX_CONF: &str = "
user  nginx;
worker_processes  auto;

error_log  /var/log/nginx/error.log notice;
pid        /run/nginx.pid;

events {
    worker_connections  1024;
}

http {
    include       /etc/nginx/mime.types;
    default_type  application/octet-stream;

    access_log  /var/log/nginx/access.log  main;

    sendfile        on;
    keepalive_timeout  65;

    include /etc/nginx/conf.d/*.conf;
}
";

const NGINX_DEFAULT: &str = "server {
    listen       80;
    server_name  localhost;

    location / {
        root   /usr/share/nginx/html;
        index  index.html index.htm;
    }

    error_page   500 502 503 504  /50x.html;
    location = /50x.html {
        root   /usr/share/nginx/html;
    }
}
";

pub(super) const HTTPD_CONF: &str = "ServerRoot \"/usr/local/apache2\"
Listen 80
DocumentRoot \"/usr/local/apache2/htdocs\"
DirectoryIndex index.html
ErrorLog /proc/self/fd/2
CustomLog /proc/self/fd/1 common
";
